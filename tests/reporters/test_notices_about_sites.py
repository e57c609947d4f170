"""Notices that a run gives for each of many sites: one line for each cause; what goes out is always named."""

from __future__ import annotations

from msgspec.structs import replace

from reconciler.engine.results import FilesInvalid, Notice, Phase, PhaseStarted, RunFailed
from reconciler.engine.site_results import Progressed, SiteFailed
from reconciler.executor.events import Started
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.diagnostics import MORE_PROBLEMS, Diagnostic, Place, Severity
from reconciler.model.marketing_plan import Generate
from reconciler.reporters.layout import Screen
from reconciler.reporters.problems import UNBROKEN, ProblemReporter
from tests.reporters.endings import exits

STALE = "the saved plan is stale; run plan again"


def said(*problems: Diagnostic, list_sites: bool = False, screen: Screen = UNBROKEN) -> list[str]:
    written: list[str] = []
    reporter = ProblemReporter(written.append, screen, list_sites=list_sites)
    for problem in problems:
        reporter.handle(Notice(problem))
    reporter.handle(exits(0))
    return "".join(written).splitlines()


def stale(site: str, kind: Kind, message: str, key: str = "") -> Diagnostic:
    return Diagnostic("plan-stale", message, STALE, address=Address(SiteName(site), kind, key))


def undeclared(site: str, more: str = "") -> Diagnostic:
    fix = f"declare it again, or: reconciler state forget {site}"
    return Diagnostic("undeclared-site", f"undeclared{more}", fix, Severity.WARNING, address=Address(SiteName(site)))


def goes_out(site: str) -> Diagnostic:
    address = Address(SiteName(site), Kind.DRAFT, "1")
    return Diagnostic("still-going-out", "Sale is still scheduled", "cancel it", Severity.WARNING, address=address)


def test_what_is_stale_alike_on_many_sites_is_one_line() -> None:
    problems = [
        stale(f"s{number}", kind, message)
        for number in range(9)
        for kind, message in ((Kind.SETTINGS, "the tone is warm now"), (Kind.MARKETING_PLAN, "it is ACTIVE now"))
    ]
    assert said(*problems) == [
        f"error: s0/settings: the tone is warm now; {STALE} (the same on s1, s2, s3, s4, s5 and 3 more sites)",
        "error: s0/marketing-plan: it is ACTIVE now (the same on s1, s2, s3, s4, s5 and 3 more sites)",
    ]
    assert len(said(*problems, list_sites=True)) == len(problems)


def test_several_objects_of_a_site_that_are_stale_alike_are_counted() -> None:
    first = [stale("a", Kind.DRAFT, "the post is gone", str(number)) for number in range(3)]
    assert said(*first) == [
        f"error: {first[0].address}: the post is gone; {STALE} (the same 2 more times on this site)"
    ]
    both = said(*first, stale("b", Kind.DRAFT, "the post is gone", "9"))
    assert both[0].endswith("(the same 3 more times on b)")


def test_undeclared_sites_are_one_line_and_their_posts_are_named() -> None:
    problems = [*map(undeclared, "abc"), undeclared("d", ", and 1 post"), goes_out("d")]
    problems += [undeclared("e", ", and 1 post"), goes_out("e"), undeclared("f")]
    assert said(*problems) == [
        "warning: a: undeclared; declare it again, or: reconciler state forget SITE (the same on b, c, f)",
        "warning: d: undeclared, and 1 post (the same on e)",
        "warning: d/draft[1]: Sale is still scheduled; cancel it",
        "warning: e/draft[1]: Sale is still scheduled",
    ]


def test_sites_that_were_taken_out_of_the_project_are_one_line() -> None:
    gone = [
        Diagnostic("right-lost", f"the project has no site {name} with this id", STALE, address=Address(SiteName(name)))
        for name in "ab"
    ]
    assert said(*gone) == [f"error: a: the project has no site a with this id; {STALE} (the same on b)"]


def test_one_undeclared_site_is_named_in_what_to_type() -> None:
    assert said(undeclared("a")) == ["warning: a: undeclared; declare it again, or: reconciler state forget a"]


def test_what_is_stale_with_another_value_on_each_site_is_counted() -> None:
    problems = [stale(f"s{number}", Kind.SETTINGS, f"the tone is {number} now") for number in range(12)]
    lines = said(*problems)
    assert [line.split(":")[1] for line in lines[:3]] == [" s0/settings", " s1/settings", " s2/settings"]
    assert lines[3:] == [
        "error: the same, with different values, on s3, s4, s5, s6, s7 and 4 more sites (list them with --sites)"
    ]
    assert len(said(*problems, list_sites=True)) == 12
    assert "other values" not in said(*problems[:4])[-1]


def test_problems_are_broken_at_blanks_on_a_terminal_only() -> None:
    problem = undeclared("shop")
    lines = said(problem, screen=Screen(40))
    assert max(map(len, lines)) <= 40
    assert " ".join(line.strip() for line in lines).replace(" fix: ", "; ") == said(problem)[0]


def test_locks_taken_over_from_one_run_are_one_note_at_the_end_of_the_phase() -> None:
    written: list[str] = []
    reporter = ProblemReporter(written.append)
    for number in range(1, 10):
        site = SiteName(f"shop-{number}")
        what = "took over an expired lock (jane on ci-7, process 11; it is no longer running)"
        reporter.handle(Notice(Diagnostic("lock-taken-over", what, severity=Severity.NOTE, address=Address(site))))
        reporter.handle(Progressed(site, Started(Address(site, Kind.MARKETING_PLAN), Generate())))
        reporter.handle(SiteFailed(site, ()))
    assert written == []
    reporter.handle(PhaseStarted(Phase.APPLYING, 9))
    assert written == [
        "note: shop-1: took over an expired lock (jane on ci-7, process 11; it is no longer running) "
        "(the same on shop-2, shop-3, shop-4, shop-5, shop-6 and 3 more sites)\n"
    ]


def test_what_to_do_is_on_a_line_of_its_own_if_not_everything_fits() -> None:
    """Neither in the middle of a paragraph nor after what only support needs."""
    refused = Diagnostic("forbidden", "access was refused", "give the key the permission", request_id="1.2")
    assert said(refused, screen=Screen(90)) == [
        "error: access was refused; give the key the permission (request id 1.2)"
    ]
    assert said(refused, screen=Screen(60)) == [
        "error: access was refused",
        "  fix: give the key the permission (request id 1.2)",
    ]
    long = replace(refused, message="access " * 9 + "was refused", fix="ask " * 15 + "for it")
    assert said(long, screen=Screen(60)) == [
        "error: access access access access access access access",
        "    access access was refused",
        "  fix: ask ask ask ask ask ask ask ask ask ask ask ask ask",
        "       ask ask for it (request id 1.2)",
    ]
    written: list[str] = []
    reporter = ProblemReporter(written.append, Screen(60))
    reporter.handle(RunFailed(long))
    reporter.handle(FilesInvalid((replace(long, place=Place("sites/shop.yaml", 3, 1)),)))
    text = "".join(written)
    assert text.startswith("Error: access")
    assert text.endswith("\nError: 1 problem in 1 file; nothing was done\n")
    assert text.count("\n  fix: ask") == 2


def test_where_else_a_problem_occurs_comes_after_what_to_do() -> None:
    typo = Diagnostic("invalid-file", "toneOfVioce: unknown key", "did you mean toneOfVoice?")
    files = tuple(typo.at(Place(f"sites/{name}.yaml", 3, 1)) for name in "abc")
    written: list[str] = []
    for width in (100, 70, 40):
        ProblemReporter(written.append, Screen(width)).handle(FilesInvalid(files))
    places = "the same in sites/b.yaml:3:1, sites/c.yaml:3:1"
    end = "Error: 1 problem in 3 files; nothing was done\n"
    whole = "sites/a.yaml:3:1: toneOfVioce: unknown key"
    assert "".join(written) == (
        f"{whole}; did you mean toneOfVoice?\n  {places}\n{end}"
        f"{whole}; did you mean toneOfVoice?\n  {places}\n{end}"
        "sites/a.yaml:3:1: toneOfVioce: unknown\n    key\n  fix: did you mean toneOfVoice?\n"
        "  the same in sites/b.yaml:3:1,\n    sites/c.yaml:3:1\n"
        "Error: 1 problem in 3 files; nothing was\n    done\n"
    )


def test_problems_that_are_not_listed_are_not_counted_as_one_more() -> None:
    typo = Diagnostic("invalid-file", "toneOfVioce: unknown key", place=Place("sites/a.yaml", 3, 1))
    more = Diagnostic(MORE_PROBLEMS, "at least 9 more problems not listed; fix the others first")
    written: list[str] = []
    ProblemReporter(written.append).handle(FilesInvalid((typo, more)))
    assert "".join(written).splitlines()[1:] == [more.message, "Error: 1 problem in 1 file; nothing was done"]


def test_the_ids_of_sites_and_requests_do_not_tell_their_problems_apart() -> None:
    def gone(number: int, of: str = "") -> Diagnostic:
        id = f"3f0c2a9e-8d0b-4b7c-9a55-{number:012}"
        what = f"not found: {of or id}, request r.{number}"
        return Diagnostic(
            "api-not-found", what, "check the id", request_id=f"r.{number}", address=Address(SiteName(id))
        )

    (line,) = said(*map(gone, range(3)))
    assert "not found: ID, request ID; check the id" in line
    account = "aaaaaaaa-0000-4000-8000-000000000001"
    same = [replace(gone(1, account), address=Address(SiteName(name))) for name in "ab"]
    assert said(*same)[0].startswith(f"error: a: not found: {account}, request r.1; check the id"), "the same on both"


def test_the_name_of_a_site_that_is_an_id_is_still_the_name_in_what_to_type() -> None:
    ids = [f"3f0c2a9e-8d0b-4b7c-9a55-{number:012}" for number in range(2)]
    (line,) = said(*map(undeclared, ids))
    assert "reconciler state forget SITE (the same on" in line


def test_files_with_a_problem_in_words_of_their_own_are_one_line_if_they_are_many() -> None:
    def unowned(name: str) -> Diagnostic:
        place, shared = Place(f"approvals/{name}.yaml"), ("nobody has this name", "git mv OLD NEW")
        found = Diagnostic("approvals-for-nobody", f"nobody is called {name}", f"git mv {name} NEW", place=place)
        return replace(found, severity=Severity.WARNING, shared=shared)

    assert said(*map(unowned, "abcd")) == [
        f"warning: approvals/{name}.yaml: nobody is called {name}; git mv {name} NEW" for name in "abcd"
    ]
    assert said(*map(unowned, "abcde")) == [
        "warning: approvals/a.yaml: nobody has this name; git mv OLD NEW "
        "(the same in approvals/b.yaml, approvals/c.yaml, approvals/d.yaml, approvals/e.yaml)"
    ]
