"""What every call has, added to the description that is made of the code."""

from typing import Any

from audiences.api.description.tables import (
    DRY_RUN,
    HEADERS,
    IDEMPOTENCY,
    IF_MATCH,
    KEY,
    LINKS,
    OF_STATUS,
    ONLY_WRITES,
    PARAMETERS,
    PROBLEMS,
)
from audiences.api.shapes import ProblemOut


def completed(schema: Any) -> Any:
    """The description with the errors, headers and parameters of all calls."""
    shapes = schema["components"].setdefault("schemas", {})
    shapes["Problem"] = ProblemOut.model_json_schema()
    for scheme in schema["components"].get("securitySchemes", {}).values():
        scheme["description"] = KEY
    schema["components"]["headers"] = HEADERS
    for path in schema["paths"].values():
        for call in path.values():
            _complete(call)
            _link(call)
    return schema


def _link(call: dict[str, Any]) -> None:
    if found := LINKS.get(call["operationId"]):
        call["responses"][found.status]["links"] = {
            name: {"operationId": name, "parameters": {found.parameter: found.name}}
            for name in found.calls
        }


def _complete(call: dict[str, Any]) -> None:
    if "x-described" in call:
        return
    call["x-described"] = True
    # A summary is plain text, and a description Markdown (4.8.10.1).
    call["summary"] = call["summary"].replace("`", "")
    is_act = call.get("x-scope", "").endswith(":write")
    given = call.setdefault("parameters", [])
    for parameter in given:
        # Ninja repeats those of the schema, where OpenAPI has a map (4.8.12.2).
        parameter.pop("examples", None)
        parameter.setdefault("description", PARAMETERS[parameter["name"]])
        parameter["schema"] = _written(parameter["schema"])
    if is_act:
        given.append(DRY_RUN)
        given.append(IDEMPOTENCY)
    if call.pop("x-if-match", False):
        given.append(IF_MATCH)
    for content in call.get("requestBody", {}).get("content", {}).values():
        if "properties" in content["schema"]:
            # Of a form, too, no part is passed over.
            content["schema"]["additionalProperties"] = False
    problem = {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
    }
    for status, text in PROBLEMS.items():
        if is_act or status not in ONLY_WRITES:
            call["responses"].setdefault(
                status, {"description": text, "content": problem}
            )
    call["responses"] = {str(k): v for k, v in call["responses"].items()}
    _complete_answers(call["responses"], is_act=is_act, tagged=call.pop("x-tagged"))


def _written(shape: dict[str, Any]) -> dict[str, Any]:
    """The shape of a parameter: in an address there is no null, it is left out."""
    shapes = [s for s in shape.get("anyOf", ()) if s != {"type": "null"}]
    return {"title": shape.get("title", ""), **shapes[0]} if shapes else shape


def _complete_answers(answers: Any, *, is_act: bool, tagged: bool) -> None:
    for status, answer in answers.items():
        answer.setdefault("description", "OK")
        names = [*OF_STATUS.get(status, ())]
        if status not in ("401", "500", "503"):
            names += ["RateLimit", "RateLimit-Policy"]
        if status[0] == "2":
            names += ["ETag"] if tagged else []
            names += ["Location"] if status in ("201", "202") else []
            names += ["Dry-Run", "Idempotency-Replayed"] if is_act else []
        answer["headers"] = {n: {"$ref": f"#/components/headers/{n}"} for n in names}
