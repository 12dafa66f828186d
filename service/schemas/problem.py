"""The shape of every error, and of its explanation."""

from pydantic import BaseModel, ConfigDict, Field


class Problem(BaseModel):
    """An error after RFC 9457."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "type": "/errors#invalid-request",
                    "title": "Request cannot be used",
                    "status": 422,
                    "detail": "k: Input should be greater than or equal to 1",
                    "instance": "/v1/collections/online-retail/search",
                    "code": "invalid-request",
                    "request_id": "9f1c2a7b44d01c2f-2a",
                }
            ]
        },
    )

    type: str = Field(description="Page that describes the error.")
    title: str = Field(description="Short name of the kind of error.")
    status: int = Field(description="HTTP status.")
    detail: str = Field(description="What is wrong with this request, and what to do.")
    instance: str = Field(description="Path of the request.")
    code: str = Field(description="Stable code for programs.")
    request_id: str = Field(description="Id of the request, as in the logs and the X-Request-Id header.")


class ErrorMeaning(BaseModel):
    """What one error code stands for."""

    status: int = Field(description="HTTP status.", examples=[409])
    title: str = Field(description="Short name of the kind of error.", examples=["Bundle mismatch"])
    meaning: str = Field(description="When it happens.")
