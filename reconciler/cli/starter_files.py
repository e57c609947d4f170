"""The files of a starter project."""

from __future__ import annotations

from reconciler.config.schema_files import schema_text

EXAMPLE = "sites/example.yaml"

PROJECT = """\
# yaml-language-server: $schema=schemas/project.schema.json
version: 1
sites: [sites/**/*.yaml, sites/**/*.yml]

# The sandbox is an emulator of the API inside the tool; its data is in .reconciler/.
# To go live:
#   1. put the ids of your sites in sites/*.yaml
#   2. export WIX_API_KEY=...   (an API key of the account that owns the sites)
#   3. change the next line to `api: wix`, and run `reconciler plan`
api: sandbox

credentials:
  default: {apiKey: {env: WIX_API_KEY}}

policy:
  maxPublish: 20                 # public actions in one run, across all sites
  maxPublishPerSitePerDay: 3
  maxDelete: 10
  minLead: 2h                    # nothing is scheduled to go out sooner than this
  quietHours: {from: "21:00", to: "07:00"}
"""

SITE = """\
# yaml-language-server: $schema=../schemas/site.schema.json
# Only what is written here is managed: a field left out is left alone, a field written as null is cleared.
version: 1
site:
  name: example                  # unique in the project; all output uses it
  id: 00000000-0000-4000-8000-000000000001
  labels: {team: emea}
settings:
  marketingPlanGoal: {goalKey: BOOST_SALES}
  marketingTools: [SOCIAL_MARKETING]
  topics: {included: [handmade ceramics, studio life]}
  toneOfVoice: warm and playful
calendarEvents:
  events:
    - {name: Studio open day, recurringRule: {frequency: MONTHLY}}
marketingPlan:
  state: present
posts:                           # which activities have posts
  - match: {within: 21d}
    max: 6
schedule:                        # which drafts go out, once people have approved them
  approval: required
  rules:
    - match: {within: 14d}
      channels: [INSTAGRAM, FACEBOOK]
      max: 4
"""

IGNORED = """\
# The state: what was last applied, the ledger of runs, the sandbox's data. A team shares it in an object store
# (`state: s3://...` in reconciler.yaml), not in git.
.reconciler/
# The galleries that `review` writes for people to look at; only the YAML files next to them count.
approvals/*.html
# Temporary files of commands that were killed while writing.
.*.tmp
# Saved plans (`plan --out FILE.plan`): each can be applied once, within 24 hours.
*.plan
"""


def starter_files() -> dict[str, str]:
    """Path -> text, in the order in which they are written."""
    schemas = {f"schemas/{name}.schema.json": schema_text(name) for name in ("project", "site", "approvals")}
    return {"reconciler.yaml": PROJECT, EXAMPLE: SITE, ".gitignore": IGNORED, **schemas}


def live_files(account: str | None) -> dict[str, str]:
    """The files for existing sites: no example, and the account that owns the sites."""
    first, _, rest = PROJECT.partition("# The sandbox is")
    named = f"account: {{id: {account}}}       # whose sites `import --all` and `doctor` list\n" if account else ""
    files = starter_files()
    del files[EXAMPLE]
    return {**files, "reconciler.yaml": f"{first}api: wix\n{named}\n{rest[rest.index('credentials:') :]}"}
