"""One example of each answer, for the OpenAPI document; invented, and nowhere else."""

from typing import Any

_META = {
    "correlation_id": "6f1c2a",
    "duration_ms": 3.2,
    "timestamp": "2025-11-18T09:00:00Z",
    "version": "0.1.0",
}
_EVENT = {
    "id": "019a9662-2100-7000-8000-000000000001",
    "event": "latency",
    "value": 412.0,
    "mean": 95.5,
    "ts": "2025-11-18T08:45:00Z",
    "component": "api",
    "severity": "P3",
    "details": {"score": 4.6, "direction": "up"},
}
_ACTION = {
    "id": "019a9662-2100-7000-8000-000000000002",
    "action": "alert_triggered",
    "metadata": {"rule": "error_rate"},
    "ts": "2025-11-18T08:46:00Z",
    "subsystem": "api",
}
_RECOMMENDATION = {
    "id": "019a9662-2100-7000-8000-000000000003",
    "type": "performance",
    "priority": "medium",
    "message": "Latency was above 200 ms in the past 7 days.",
    "metric": "latency_p95",
    "evidence": {"p95_ms": 231.0},
    "state": "open",
    "batch": None,
    "ts": "2025-11-18T08:00:00Z",
}
_LATEST = {
    "predicted_revenue": 1250.0,
    "churn_rate": 2.5,
    "horizon_days": 30,
    "ts": "2025-11-17T07:00:00Z",
}
_FORECAST = {
    "id": "019a9662-2100-7000-8000-000000000004",
    **_LATEST,
    "low": 1100.0,
    "high": 1420.0,
    "method": "average of four, season 7",
    "data_points": 90,
    "confidence": 0.95,
    "backtest_error": 41.7,
}
_OBSERVATION = {
    "id": 48213,
    "ts": "2025-11-18T08:59:58.214000Z",
    "ended_at": "2025-11-18T08:59:58.260000Z",
    "endpoint": "api",
    "component": "backend",
    "source": "monitor",
    "status_code": 200,
    "ok": True,
    "latency_ms": 46.0,
    "frontend": "",
    "backend": "",
    "error_class": "",
    "error": None,
    "failed_assertion": "",
}

EXAMPLES: dict[str, Any] = {
    "status": {
        "ok": True,
        "status": "degraded",
        "summary": {
            "anomalies_24h": 1,
            "actions_24h": 1,
            "latest_forecast": _LATEST,
            "health": {"avg_latency_ms": 97.1, "error_rate": 0.2, "total_checks": 480},
        },
        "recent_events": [_EVENT],
        "recent_actions": [_ACTION],
        "recommendations": [_RECOMMENDATION],
        "meta": _META,
    },
    "anomalies": {"ok": True, "events": [_EVENT], "count": 1, "next": None, "meta": _META},
    "recommendations": {
        "ok": True,
        "recommendations": [_RECOMMENDATION],
        "count": 1,
        "next": None,
        "meta": _META,
    },
    "forecasts": {
        "ok": True,
        "forecasts": [_FORECAST],
        "count": 1,
        "next": None,
        "latest": _FORECAST,
        "meta": _META,
    },
    "health": {"ok": True, "logs": [_OBSERVATION], "count": 1, "next": None, "meta": _META},
}
