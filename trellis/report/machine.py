"""A judgement as JSON: everything the other formats show, and the plan itself."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from components.catalogue.pricing import PricedResource
from trellis.judge import Judgement
from trellis.report import sections

SCHEMA_VERSION = 1


def document(judged: Judgement) -> dict[str, Any]:
    """The report as JSON-ready data."""
    return {
        "schemaVersion": SCHEMA_VERSION,
        "verdict": judged.verdict,
        "summary": sections.verdict_line(judged),
        "counts": dict(judged.counts),
        "gpus": [{**asdict(b), "verdict": b.verdict} for b in judged.gpus],
        "cost": _cost(judged),
        "findings": [{**asdict(f), "message": f.message} for f in judged.report.findings],
        "judgements": dict(sorted(judged.report.evaluated.items())),
        "unjudged": [{**asdict(u), "message": u.message} for u in judged.report.unknowns],
        "unknown": dict(judged.unknowns),
        "plan": judged.plan.document(),
    }


def _cost(judged: Judgement) -> dict[str, Any]:
    return {
        "currency": "USD",
        "period": "month of 730 hours",
        "budget": judged.budget,
        "total": asdict(judged.cost.cost),
        "oldestPrice": judged.cost.oldest_price,
        "worstByConfidence": dict(judged.cost.worst_by_confidence),
        "priced": [_priced(p) for p in judged.cost.priced],
        "unpriced": [{"urn": p.urn, "type": p.type, "name": p.name, "reason": p.reason} for p in judged.cost.unpriced],
        "leftOut": [{"urn": urn, "part": part} for urn, part in judged.cost.left_out],
    }


def _priced(priced: PricedResource) -> dict[str, Any]:
    return {
        "urn": priced.urn,
        "type": priced.type,
        "name": priced.name,
        "cost": asdict(priced.cost) if priced.cost else None,
        "items": [asdict(item) for item in priced.items],
        "leftOut": list(priced.left_out),
        "notes": list(priced.notes),
    }


def to_json(judged: Judgement) -> str:
    """The report as stable bytes."""
    return json.dumps(document(judged), indent=2, sort_keys=True, ensure_ascii=False, default=str) + "\n"
