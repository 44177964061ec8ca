"""All that is changed in moto 5.2.5, in one list. Each has a test that shows stock moto failing it."""

from __future__ import annotations

from headrace.local.aws.dynamodb import hundred_item_reads, results_encoded_once, updates_on_drafts
from headrace.local.aws.expressions import (
    conditions_lexed_once,
    maps_asked_once,
    trees_copied_directly,
    updates_parsed_once,
)
from headrace.local.aws.items import no_instance_tracking, sealed_items, size_checked_once
from headrace.local.aws.patch import Patches
from headrace.local.aws.queue_patches import no_random_handles, prompt_queues
from headrace.local.aws.table import partitioned_queries

PATCHES = Patches(
    [
        sealed_items,
        size_checked_once,
        no_instance_tracking,
        partitioned_queries,
        updates_on_drafts,
        results_encoded_once,
        hundred_item_reads,
        conditions_lexed_once,
        updates_parsed_once,
        trees_copied_directly,
        maps_asked_once,
        prompt_queues,
        no_random_handles,
    ]
)
