"""`tandem openapi`: the HTTP interface as a document."""

from cli.console import emit


def openapi() -> None:
    """Print the OpenAPI document as YAML."""
    import yaml

    from service.app import openapi_document

    emit(yaml.safe_dump(openapi_document(), sort_keys=False, allow_unicode=True, width=120).rstrip())
