"""The marketing plan: its writes in words and as JSON, what must hold before them, and calls that were cut short."""

from __future__ import annotations

from typing import ClassVar, Final, assert_never

from reconciler.model.marketing_plan import (
    AwaitGeneration,
    DeleteMarketingPlan,
    DiscardsOnly,
    Generate,
    MarketingPlanCondition,
    MarketingPlanIs,
    MarketingPlanOperation,
    Regenerate,
)
from reconciler.model.plurals import plural
from reconciler.planner.actions import Action, Reason
from reconciler.reporters.kinds.base import ActionText, Calls, CallWords, KindWords, Records, WriteRecord
from reconciler.reporters.words import because

_GENERATED: Final = (
    "the next apply waits for the generation to end, and reads the result",
    "the next apply starts one if it is still needed",
)


class PlanGenerated(WriteRecord, frozen=True, tag="generate"):
    """Generates a marketing plan if there is no usable one."""


class PlanRegenerated(WriteRecord, frozen=True, tag="regenerate"):
    """Generates the marketing plan again."""

    keyword_research: bool


class GenerationAwaited(WriteRecord, frozen=True, tag="await-generation"):
    """Waits for a generation that is under way."""


class PlanDeleted(WriteRecord, frozen=True, tag="delete-marketing-plan"):
    """Deletes the marketing plan, with all its activities."""


class MarketingPlanWords(KindWords[MarketingPlanOperation, MarketingPlanCondition]):
    """The marketing plan."""

    records: ClassVar[Records] = {
        Generate: PlanGenerated,
        Regenerate: PlanRegenerated,
        AwaitGeneration: GenerationAwaited,
        DeleteMarketingPlan: PlanDeleted,
    }
    calls: ClassVar[Calls] = {
        Generate: CallWords("generate a marketing plan", "whether it exists or is under way", *_GENERATED),
        Regenerate: CallWords(
            "regenerate the marketing plan", "whether it is under way, or its activities are new", *_GENERATED
        ),
        DeleteMarketingPlan: CallWords("delete the marketing plan", "whether it is gone"),
    }

    def text(self, action: Action, operation: MarketingPlanOperation, zone: str) -> ActionText:
        match operation:
            case Generate():
                what = because(action, "generate")
            case Regenerate(keyword_research=research):
                what = because(action, "regenerate with new keyword research" if research else "regenerate")
            case DeleteMarketingPlan():
                what = "delete, with all its activities"
            case AwaitGeneration():
                what = "wait for the generation that is under way"
                if action.reason is Reason.UNCONFIRMED:
                    what = "wait to see whether the generation that an earlier run requested has begun"
            case _:
                assert_never(operation)
        return ActionText("marketing plan", what)

    def condition(self, required: MarketingPlanCondition) -> str:
        match required:
            case MarketingPlanIs(statuses=statuses):
                return f"the marketing plan is {' or '.join(statuses)}"
            case DiscardsOnly(posts=posts):
                return f"no more than {plural(len(posts), 'draft')} would be discarded"
            case _:
                assert_never(required)
