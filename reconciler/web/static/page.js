// The review page: sends decisions, one or several at a time, and shows what has changed in the files.
"use strict";
(() => {
  const $ = (selector, from = document) => from.querySelector(selector);
  const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
  const cards = $("#cards");
  const ACTIVITY = ["keep", "regenerate", "regenerate-media", "discard"];
  const DONE = {
    approve: "# approved", pending: "# back to pending", keep: "# kept", regenerate: "Posts of # to be regenerated",
    "regenerate-media": "Images of # to be regenerated", discard: "Posts of # to be discarded",
  };
  const EVERY = 3000;
  let version = Number(document.body.dataset.version);
  let current = null;

  // --- messages ------------------------------------------------------------------------------------

  let quiet = 0;
  function say(words) {
    const line = document.createElement("p");
    line.textContent = words;
    $("#said").replaceChildren(line);
    hush();
  }
  function hush() {
    clearTimeout(quiet);
    quiet = setTimeout(() => $("#said").replaceChildren(), 8000);
  }

  function announce(words, bad = false) {
    const line = document.createElement("p");
    line.className = bad ? "banner bad" : "banner";
    line.textContent = words;
    $("#news").replaceChildren(...(words ? [line] : []));
    // If the reader has scrolled past it, it is also shown at the bottom.
    if (!words || $("#news").getBoundingClientRect().bottom > 0) return;
    const also = document.createElement("p");
    also.textContent = words;
    $("#said").append(also);
    hush();
  }

  // --- requests ------------------------------------------------------------------------------------

  async function ask(path, body) {
    const options = body === undefined ? {} : {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    };
    let answer;
    try {
      answer = await fetch(path, options);
    } catch {
      throw new Error("The page's server does not answer. Is `reconciler review --web` still running?");
    }
    if (!answer.ok) throw new Error((await answer.text()).slice(0, 300) || `The server answered ${answer.status}.`);
    return answer.json();
  }

  function parsed(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content;
  }

  // Updates the page to what the server returned, and counts what changed elsewhere: this page's own decisions are not
  // news. A selected draft whose content has changed is deselected, because nobody has seen it as it is now.
  function take(answer, own = new Set()) {
    let news = 0;
    if (answer.run !== document.body.dataset.run) {
      announce("The page's server was restarted, so this page is out of date.", true);
      $("#news").firstElementChild.append(" ", link("Show what the files say now"));
      return news;
    }
    if (answer.version < version) return news; // a newer response has already arrived
    for (const [key, html] of Object.entries(answer.cards)) {
      const old = document.getElementById(key);
      if (!old) continue;
      const made = parsed(html).firstElementChild;
      const focused = old === current || old.contains(document.activeElement);
      if ($(".select", old).checked && content(made) === content(old)) {
        $(".select", made).checked = true;
        made.classList.add("selected");
      }
      if (!own.has(made.dataset.draft) && !own.has(made.dataset.activity)) news += 1;
      old.replaceWith(made);
      watch(made);
      if (focused) focus(made, false);
    }
    for (const key of answer.gone) {
      const old = document.getElementById(key);
      if (old) { news += 1; old.remove(); }
    }
    version = answer.version;
    calendar();
    $("#summary").innerHTML = answer.summary;
    states(answer.states);
    if ($("#problems").innerHTML !== answer.problems) $("#problems").innerHTML = answer.problems;
    if ($("#bar").innerHTML !== answer.bar) $("#bar").innerHTML = answer.bar;
    for (const said of answer.refused) {
      for (const card of about([said])) refuse(card, whyNot(said));
    }
    counted();
    return news;
  }

  // The states to filter by, with the counts of now. One that no draft has any more stays if it is chosen.
  function states(now) {
    const select = $("select[name=state]");
    for (const option of [...select.options].slice(1)) {
      if (option.value in now) option.textContent = now[option.value];
      else if (option.selected) option.textContent = option.textContent.replace(/\(.*\)/, "(0)");
      else option.remove();
    }
    const known = new Set([...select.options].map((option) => option.value));
    for (const [value, words] of Object.entries(now)) if (!known.has(value)) select.append(new Option(words, value));
  }

  const whyNot = ({ why, fix }) => (fix ? `${why}; ${fix}` : why);

  function reasons(refused) {
    const counts = new Map();
    for (const why of refused.map(whyNot)) counts.set(why, (counts.get(why) ?? 0) + 1);
    return [...counts].map(([why, count]) => `${count} not saved: ${why}`);
  }

  const content = (card) => `${card.dataset.digest} ${card.dataset.activityDigest}`;

  function tell(news, { run, added }) {
    if (run !== document.body.dataset.run) return;
    const words = [];
    if (news) words.push(`${news} ${news === 1 ? "draft" : "drafts"} changed in the files, by another tab, an editor or git. This page shows what they say now.`);
    if (added) words.push(`${added} new ${added === 1 ? "draft" : "drafts"} in the files.`);
    if (!words.length) return;
    announce(words.join(" "));
    if (added) $("#news").firstElementChild.append(" ", link("Show the new drafts"));
  }

  // The cards that decisions, or the server's replies to them, are about.
  function about(asked) {
    const wanted = new Set(asked.map((each) => `${each.about} ${each.site} ${each.id}`));
    return $$(".card", cards).filter(({ dataset: { site, draft, activity } }) =>
      wanted.has(`draft ${site} ${draft}`) || wanted.has(`activity ${site} ${activity}`));
  }

  function refuse(card, why) {
    $(".refused", card)?.remove();
    const line = document.createElement("p");
    line.className = "refused";
    line.setAttribute("role", "alert");
    line.textContent = `Not saved: ${why}`;
    $(".state", card).after(line);
  }

  // --- decisions -----------------------------------------------------------------------------------

  const undone = JSON.parse(sessionStorage.getItem("undo") || "[]");
  function remember() {
    sessionStorage.setItem("undo", JSON.stringify(undone.slice(-50)));
    $("#undo").disabled = !undone.length;
  }

  // `shown` has the digests from when the key was pressed: a response may have changed the content since.
  function decisions(chosen, to, shown) {
    const found = new Map();
    for (const card of chosen) {
      const data = { ...card.dataset, ...shown.get(card.id) };
      const decision = ACTIVITY.includes(to)
        ? { about: "activity", site: data.site, id: data.activity, digest: data.activityDigest, seen: data.activitySeen, to }
        : { about: "draft", site: data.site, id: data.draft, digest: data.digest, seen: data.seen, to };
      if (decision.seen !== to) found.set(`${decision.site} ${decision.id}`, decision);
    }
    return [...found.values()];
  }

  // Requests are sent one at a time, so that no key press is lost while one is in progress.
  let turn = Promise.resolve();
  let waiting = 0;
  function inTurn(work) {
    waiting += 1;
    turn = turn.then(work).finally(() => { waiting -= 1; });
    return turn;
  }

  // Returns whether the server answered.
  async function send(asked, words, undo = true) {
    if (!asked.length) return true;
    const own = new Set(asked.map((decision) => decision.id));
    for (const card of about(asked)) card.classList.add("waiting-answer");
    try {
      const answer = await ask("/decisions", { since: version, decisions: asked });
      const news = take(answer, own);
      const refused = new Set(answer.refused.map((said) => said.id));
      const done = asked.filter((decision) => !refused.has(decision.id));
      if (done.length && undo) undone.push(done.map((decision) => ({ ...decision, seen: decision.to, to: decision.seen })));
      remember();
      say([
        done.length ? words(done.length, about(done).filter((card) => $(".problems", card)).length) : "",
        ...reasons(answer.refused),
      ].filter(Boolean).join(". "));
      tell(news, answer);
      return true;
    } catch (error) {
      announce(`Not saved. ${error.message}`, true);
      return false;
    } finally {
      for (const card of about(asked)) card.classList.remove("waiting-answer");
    }
  }

  function decide(chosen, to) {
    const shown = new Map(chosen.map((card) => [
      card.id, { digest: card.dataset.digest, activityDigest: card.dataset.activityDigest },
    ]));
    for (const card of chosen) card.classList.add("waiting-answer");
    const things = ACTIVITY.includes(to) ? ["activity", "activities"] : ["draft", "drafts"];
    return inTurn(async () => {
      const now = [...shown.keys()].map((key) => document.getElementById(key)).filter(Boolean);
      const asked = decisions(now, to, shown);
      if (!asked.length) say(chosen.length ? "Nothing to change." : "Select a draft first: press j, or click it.");
      await send(asked, (count, blocked) => {
        const done = DONE[to].replace("#", `${count} ${things[count === 1 ? 0 : 1]}`);
        const but = blocked === count ? ", but blocked" : `, ${blocked} of them blocked`;
        return `${done}${to === "approve" && blocked ? but : ""}. Press u or click Undo to reverse it`;
      });
      for (const card of now) card.classList.remove("waiting-answer");
    });
  }

  function undo() {
    return inTurn(async () => {
      const last = undone.pop();
      if (!last) say("There is nothing to undo.");
      else if (!await send(last, (count) => `Undone (${count})`, false)) undone.push(last);
      remember();
    });
  }

  // --- the current card ----------------------------------------------------------------------------

  function focus(card, scroll = true) {
    current = card;
    card.focus({ preventScroll: true });
    if (scroll) card.scrollIntoView({ block: "nearest", behavior: "instant" });
  }

  function here() {
    const focused = document.activeElement?.closest?.(".card");
    if (focused) current = focused;
    return current?.isConnected ? current : null;
  }

  function step(by) {
    const all = $$(".card", cards);
    const at = all.indexOf(here());
    const next = all[at < 0 ? 0 : at + by];
    if (next) focus(next);
    else if (by > 0) more();
  }

  const selected = () => $$(".card.selected", cards);
  function counted() {
    const count = selected().length;
    $("#bulk").hidden = !count;
    $("#bulk-count").textContent = count;
  }
  function select(card, on) {
    $(".select", card).checked = on;
    card.classList.toggle("selected", on);
  }
  const meant = () => (selected().length ? selected() : here() ? [here()] : []);

  // --- more cards, and images ----------------------------------------------------------------------

  let loading = false;
  async function more() {
    const link = $("[data-more]", cards);
    if (!link || loading) return;
    loading = true;
    try {
      const answer = await fetch(link.getAttribute("href"));
      if (!answer.ok) throw new Error();
      const found = parsed(await answer.text());
      link.closest(".more").replaceWith(found);
      watch(cards);
    } catch {
      announce("More drafts could not be loaded. Is `reconciler review --web` still running?", true);
    } finally {
      loading = false;
    }
  }
  const near = new IntersectionObserver((seen) => {
    if (seen.some((entry) => entry.isIntersecting)) more();
  }, { rootMargin: "1200px" });

  function watch(root) {
    for (const link of $$("[data-more]", root)) near.observe(link);
    for (const image of $$("img", root)) {
      if (image.dataset.watched) continue;
      image.dataset.watched = "yes";
      if (image.complete && image.src) looked(image);
      image.addEventListener("load", () => looked(image));
      image.addEventListener("error", () => looked(image));
    }
  }

  function looked(image) {
    const frame = image.closest(".image");
    frame.classList.toggle("broken", !image.naturalWidth);
    $(".cropped", frame)?.remove();
    if (image.naturalWidth) fits.observe(image);
  }

  // The browser measures an image when it comes into view: asking for its size earlier would lay out the whole page.
  const fits = new IntersectionObserver((seen) => {
    for (const { target: image, isIntersecting, boundingClientRect: size } of seen) {
      if (!isIntersecting) continue;
      fits.unobserve(image);
      const box = size.width / size.height;
      const own = image.naturalWidth / image.naturalHeight;
      if (!box || Math.abs(own / box - 1) < 0.03) continue;
      const note = document.createElement("span");
      note.className = "cropped";
      note.textContent = own < box ? "Cropped here: the image is taller" : "Cropped here: the image is wider";
      image.closest(".image").append(note);
    }
  }, { rootMargin: "600px" });

  // --- clicks and keys -----------------------------------------------------------------------------

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    const card = event.target.closest(".card");
    if (!button?.closest(".others")) for (const open of $$(".others[open]")) if (!open.contains(event.target)) open.open = false;
    if (card && !event.target.closest("a, summary, label")) current = card;
    if (!button) return;
    if (button.dataset.to) decide([card], button.dataset.to);
    else if (button.dataset.activityTo) decide([card], button.dataset.activityTo);
    else if (button.dataset.bulk === "all") { for (const each of $$(".card", cards)) select(each, true); counted(); }
    else if (button.dataset.bulk === "none") { for (const each of selected()) select(each, false); counted(); }
    else if (button.dataset.bulk) decide(selected(), button.dataset.bulk);
    else if (button.id === "undo") undo();
    else if (button.id === "help-open") $("#help").showModal();
    else if (button.id === "refresh") act(button, "/refresh", "Reading the sites…");
    else if (button.id === "commit") act(button, "/commit", "Committing…");
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches(".select")) {
      select(event.target.closest(".card"), event.target.checked);
      counted();
    } else if (event.target.matches(".filters select")) event.target.form.requestSubmit();
  });

  const KEYS = {
    j: () => step(1), k: () => step(-1), u: undo,
    a: () => decide(meant(), "approve"), p: () => decide(meant(), "pending"),
    r: () => decide(meant(), "regenerate"), m: () => decide(meant(), "regenerate-media"),
    d: () => decide(meant(), "discard"),
    x: () => { const card = here(); if (card) { select(card, !card.classList.contains("selected")); counted(); } },
    "/": () => { $(".choose").open = true; $("input[name=q]").focus(); }, "?": () => $("#help").showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape") {
      for (const open of $$(".others[open]")) {
        if (open.contains(document.activeElement)) $("summary", open).focus();
        open.open = false;
      }
      if (event.target.matches("input[type=search]")) event.target.blur();
      return;
    }
    if ($("#help").open || event.target.matches("input:not([type=checkbox]), select, textarea")) return;
    const meant = KEYS[event.key];
    if (!meant) return;
    event.preventDefault();
    meant();
  });

  async function act(button, path, meanwhile) {
    const words = button.textContent;
    button.disabled = true;
    button.textContent = meanwhile;
    try {
      const answer = await ask(path, { since: version });
      take(answer);
      const { words: done, problems } = answer.said;
      announce([done, ...problems].join("\n"), problems.length > 0);
      if (answer.added) $("#news").firstElementChild.append(" ", link("Show the new drafts"));
    } catch (error) {
      announce(error.message, true);
    } finally {
      button.disabled = false;
      button.textContent = words;
    }
  }

  function link(words) {
    const made = document.createElement("a");
    made.href = location.pathname + location.search;
    made.textContent = words;
    return made;
  }

  let dated = 0; // the version that the calendar shows
  async function calendar() {
    const box = $("#calendar");
    if (!box.open || dated === version) return;
    dated = version;
    try {
      const answer = await fetch(box.dataset.from);
      if (!answer.ok) throw new Error();
      $("#calendar > div").replaceChildren(parsed(await answer.text()));
    } catch {
      dated = 0;
      announce("The calendar could not be loaded.", true);
    }
  }
  $("#calendar").addEventListener("toggle", calendar);

  let gone = false;
  async function poll() {
    let pause = EVERY;
    if (document.visibilityState === "visible" && !waiting) {
      try {
        const since = version;
        const answer = await ask(`/changes?since=${since}`);
        if (gone) announce("");
        gone = false;
        if (version === since) tell(take(answer), answer); // otherwise the response to a decision was faster, and had all of this
      } catch (error) {
        gone = true;
        pause = 5 * EVERY;
        announce(error.message, true);
      }
    }
    setTimeout(poll, pause);
  }

  if (matchMedia("(max-width: 44rem)").matches && !location.search) $(".choose").open = false;
  remember();
  watch(document);
  setTimeout(poll, EVERY);
})();
