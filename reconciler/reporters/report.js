"use strict";
(() => {
  const FIRST = 200, STEP = 500;
  for (const section of document.querySelectorAll("section.sites")) {
    const table = section.querySelector("table");
    const foot = table.tFoot;
    const [tools, further] = [section.querySelector(".tools"), section.querySelector(".further")];
    const [words, state, found] = [tools.querySelector("input"), tools.querySelector("select"), tools.querySelector(".found")];
    const heads = [...table.tHead.rows[0].cells];
    let sites = [...table.tBodies].map((body, place) => {
      const cells = body.rows[0].cells;
      return { body, place, counts: !("other" in body.dataset), rank: +body.dataset.rank, name: cells[0].querySelector("button").textContent,
               state: cells[1].dataset.state, numbers: [...cells].slice(2).map((cell) => +cell.textContent.replaceAll(",", "") || 0), text: null };
    });
    let most = FIRST;

    const matches = (site, terms) => {
      if (state.value && site.state !== state.value) return false;
      if (!terms.length) return true;
      site.text ??= site.body.textContent.toLowerCase();
      return terms.every((term) => site.text.includes(term));
    };

    const show = (limit = most) => {
      const terms = words.value.toLowerCase().split(/\s+/).filter(Boolean);
      let rows = 0, count = 0;
      for (const site of sites) {
        const wanted = matches(site, terms);
        const late = !wanted || ++rows > limit;
        if (wanted && site.counts) count++;
        if (site.body.classList.contains("late") !== late) site.body.classList.toggle("late", late);
      }
      const all = sites.filter((site) => site.counts).length;
      const of = all.toLocaleString("en") + (all === 1 ? " site" : " sites");
      found.textContent = rows > limit
        ? `${limit.toLocaleString("en")} of ${rows.toLocaleString("en")} shown`
        : count === all ? of : `${count.toLocaleString("en")} of ${of}`;
      further.hidden = rows <= limit;
    };

    const open = (site, wanted) => {
      site.classList.toggle("open", wanted);
      site.querySelector("th button").setAttribute("aria-expanded", wanted);
    };

    const sort = (column) => {
      const head = heads[column];
      const down = head.getAttribute("aria-sort") === (column < 2 ? "ascending" : "none") || !head.hasAttribute("aria-sort") && column > 1;
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const by = column === 0 ? (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
        : column === 1 ? (a, b) => a.rank - b.rank
        : (a, b) => a.numbers[column - 2] - b.numbers[column - 2];
      sites.sort((a, b) => (down ? by(b, a) : by(a, b)) || a.place - b.place);
      const all = document.createDocumentFragment();
      for (const site of sites) all.append(site.body);
      table.insertBefore(all, foot);
      show();
    };

    let timer = 0;
    words.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => { most = FIRST; show(); }, 80); });
    state.addEventListener("change", () => { most = FIRST; show(); });
    further.addEventListener("click", () => { most += STEP; show(); });
    heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => sort(column)));
    table.addEventListener("click", (event) => {
      const row = event.target.closest("tr.row");
      if (row && !event.target.closest("a")) open(row.parentNode, !row.parentNode.classList.contains("open"));
    });
    addEventListener("beforeprint", () => show(Infinity));
    addEventListener("afterprint", () => show());
    tools.hidden = false;
    if (sites.length <= 3) for (const site of sites) open(site.body, true);
    show();
  }
})();
