"""What an index version says of itself, and the reading of it."""

import hashlib
from pathlib import Path
from typing import Any, Literal

import orjson
from pydantic import Field, ValidationError

from bundle.config import Config
from bundle.files import MANIFEST, FileEntry
from index.cur.kinds import CurReport
from index.errors import VersionCorrupt, VersionFormatUnsupported
from index.hubness.report import HubnessReport
from index.kinds import IndexKind

FORMAT_VERSION = 3
INDEX_FILE = "index.faiss"
IDS_FILE = "ids.arrow"
ATTRIBUTES_FILE = "attributes.arrow"
SEMANTIC_IDS_FILE = "semantic_ids.arrow"
PREFIXES_FILE = "prefixes.arrow"
VECTORS_FILE = "vectors.npy"
CROSS_ENCODER_FILE = "cross_encoder.npy"
FEATURE_NUMBERS_FILE = "feature_numbers.npy"
FEATURE_CODES_FILE = "feature_codes.npy"
CONTENT_FILE = "content.npy"
IN_ROLE_FOLDER = "in"
LEXICAL_FOLDER = "lexical"
Relation = Literal["similar", "complementary"]
REPORT_FOLDER = "report"
# The name holds the hash, and the hash cannot hold itself.
_UNHASHED = ("version", "content_hash")
_KIND_BECAUSE: Any = Field(
    default=None,
    exclude_if=lambda value: value is None,
    description="Why this kind was chosen, where the build configuration names none.",
)


class RecallPoint(Config):
    """Index recall and cost at one setting of the index kind."""

    params: dict[str, int] = Field(description="Search parameters of this setting.")
    recall: float = Field(ge=0, le=1, description="Share of the exact k best that the index found.")
    cpu_us_per_query: float = Field(ge=0, description="CPU time of one query on one thread, in microseconds.")


class RecallReport(Config):
    """Agreement of an index with exact search on sampled queries; equal scores count as agreement."""

    queries: Literal["items", "table"] = Field(
        description="'items': item vectors, each without itself among its hits; 'table': records of a query table."
    )
    n_queries: int = Field(ge=0, description="Queries measured with; 0 when the corpus has one item only.")
    k: int = Field(ge=0, description="Hits compared for each query.")
    recall: float = Field(ge=0, le=1, description="Index recall at the default search parameters.")
    target: float | None = Field(default=None, description="Index recall that the build was asked to reach.")
    points: tuple[RecallPoint, ...] = Field(description="Recall and cost by search parameters, cheapest first.")


class ResolutionReport(Config):
    """How items that share all codes were told apart, and what stayed as it was in an earlier version."""

    policy: Literal["suffix", "sinkhorn_last"] = Field(description="How collisions were resolved.")
    groups: int = Field(ge=0, description="Groups of items that share all raw codes.")
    recoded: int = Field(ge=0, description="Items whose last code is not the raw one.")
    unresolved: int = Field(ge=0, description="Items that only a suffix other than 0 tells apart from another.")
    continues: str | None = Field(
        description="Index version whose semantic IDs were kept where raw codes are the same."
    )
    continues_none_because: str | None = Field(default=None, description="Why no earlier version was continued.")
    kept: int = Field(ge=0, description="Items that kept the semantic ID of the continued version.")
    changed: int = Field(ge=0, description="Items of the continued version whose semantic ID is another now.")


class SemanticIdReport(Config):
    """Semantic IDs of this corpus: collisions of the raw codes, their resolution, the names of prefixes."""

    codebook_sizes: tuple[int, ...] = Field(description="Codes a level.")
    resolution: ResolutionReport = Field(description="How collisions were resolved.")
    name_columns: tuple[str, ...] = Field(description="Text columns that the words of prefixes come from.")
    n_named_prefixes: int = Field(ge=0, description="Prefixes that have a name.")
    n_codes: int = Field(ge=0, description="Different full codes in use before resolution.")
    dup_excess: float = Field(ge=0, le=1, description="(items - different codes) / items.")
    dup_share: float = Field(ge=0, le=1, description="Share of items that share their codes with another item.")
    largest_group: int = Field(ge=0, description="Most items that share one full code.")
    perplexity: tuple[float, ...] = Field(description="Effective number of codes in use, a level.")


class FusionReport(Config):
    """The weight of the fusion 'weighted', learned on queries with known answers."""

    dense_weight: float = Field(
        ge=0, le=1, description="Share of the embedding's score; the rest is that of the words."
    )
    ndcg: dict[str, float] = Field(description="nDCG@10 of these queries by every weight that was tried.")
    n_queries: int = Field(ge=1, description="Queries learned on.")
    n_left_out: int = Field(ge=0, description="Answers left out because their query or item is not known.")


class LexicalReport(Config):
    """The lexical index of this corpus."""

    fields: tuple[str, ...] = Field(description="Columns of the items table whose words are found.")
    query_fields: tuple[str, ...] = Field(description="Fields of a query record whose words are looked up.")
    stop_words: str = Field(description="Language whose most common words are left out; 'none': no word is.")
    k1: float = Field(description="How much more repeats of a word count.")
    b: float = Field(description="How much long texts are held back.")
    n_words: int = Field(ge=1, description="Different words of the corpus.")
    n_postings: int = Field(ge=1, description="Pairs of an item and a word of it.")
    n_without_words: int = Field(ge=0, description="Items without any word, which no words find.")


class RoleReport(Config):
    """The index of the catalogue in one role."""

    kind: IndexKind = Field(description="The index kind with the settings that were built and are searched.")
    kind_because: str | None = _KIND_BECAUSE
    recall: RecallReport = Field(description="Measured index recall.")
    n_zero_vectors: int = Field(ge=0, description="Items whose embedding is zero; they score 0 for every query.")
    hubness: HubnessReport | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="The bias that undoes hubs, where the build made one.",
    )


class IndexManifest(Config):
    """Everything of an index version but its other files, whose hashes it holds."""

    format_version: int = Field(description="Version of this folder's format.")
    version: str = Field(description="Name of the version: UTC time of the build and the head of the content hash.")
    content_hash: str = Field(description="SHA-256 over every other field but the version's name.")
    bundle_id: str = Field(description="The bundle that embedded this corpus; no other may answer over it.")
    created_at: str = Field(description="UTC time of the build, ISO 8601.")
    count: int = Field(ge=1, description="Items in the corpus.")
    dimension: int = Field(ge=1, description="Width of the embeddings.")
    metric: Literal["cosine", "dot"] = Field(description="How scores are meant; both are inner products.")
    kind: IndexKind = Field(description="The index kind with the settings that were built and are searched.")
    kind_because: str | None = _KIND_BECAUSE
    recall: RecallReport = Field(description="Measured index recall.")
    in_role: RoleReport | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="The catalogue once more, by the query tower, where the queries of the bundle are items: its index "
        "answers for similar items, that of the item tower for complementary ones.",
    )
    hubness: HubnessReport | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="The bias that undoes hubs, where the build made one.",
    )
    semantic_ids: SemanticIdReport | None = Field(description="Semantic IDs; null when the bundle has no quantizer.")
    cross_encoder_search: CurReport | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="What cross-encoder search was built of, if it was.",
    )
    lexical: LexicalReport | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="The index of words; left out where the build was asked for none.",
    )
    fusion: FusionReport | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="The learned weight of embeddings and words; left out where the build was asked for none.",
    )
    attributes: dict[str, str] = Field(description="Type of each attribute column.")
    n_zero_vectors: int = Field(ge=0, description="Items whose embedding is zero; they score 0 for every query.")
    is_deterministic: bool = Field(description="Whether the same input, seed and threads give the same files again.")
    n_copied: int = Field(
        ge=0,
        description="Embeddings, over all roles, that were copied: the same tower read the same content before.",
    )
    inputs_digest: str = Field(description="SHA-256 over the catalogue and every other table that the build read.")
    config: dict[str, Any] = Field(description="The resolved build configuration.")
    seconds: dict[str, float] = Field(description="Wall time of each build step, in seconds.")
    software: dict[str, str] = Field(description="Versions of the packages that wrote the files.")
    files: dict[str, FileEntry] = Field(description="Every file of the folder but this one.")

    @property
    def roles(self) -> dict[Relation, RoleReport]:
        """What answers each relation between items; first the relation that the towers were trained for."""
        item_tower = RoleReport(
            kind=self.kind,
            kind_because=self.kind_because,
            recall=self.recall,
            n_zero_vectors=self.n_zero_vectors,
            hubness=self.hubness,
        )
        if self.in_role is None:
            return {"similar": item_tower}
        return {"complementary": item_tower, "similar": self.in_role}

    def for_relation(self, relation: Relation) -> str:
        """What tells the roles of this version apart in a sentence: nothing where there is one."""
        return "" if self.in_role is None else f" for {relation} items"


def write_manifest(folder: Path, manifest: IndexManifest, stamp: str) -> str:
    """Write `manifest` into `folder` with its hash and its name `<stamp>-<head of the hash>`; return the name."""
    content = manifest.model_dump(mode="json")
    content["content_hash"] = _content_hash(content)
    content["version"] = f"{stamp}-{content['content_hash'][:8]}"
    (folder / MANIFEST).write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    return str(content["version"])


def read_index_manifest(folder: Path) -> IndexManifest:
    """The manifest of the version in `folder`, proven against its own hash and the folder's name.

    Raises VersionCorrupt or VersionFormatUnsupported.
    """
    path = folder / MANIFEST
    try:
        raw = path.read_bytes()
        content = orjson.loads(raw)
    except OSError as error:
        raise VersionCorrupt(f"cannot read {path}: {error.strerror}; build the index again", file=MANIFEST) from error
    except orjson.JSONDecodeError as error:
        raise VersionCorrupt(f"{path} is not JSON: {error}; build the index again", file=MANIFEST) from error
    if not isinstance(content, dict) or not _is_intact(content, raw, folder.name):
        raise VersionCorrupt(f"{path} does not match its own hash; build the index again", file=MANIFEST)
    if content.get("format_version") != FORMAT_VERSION:
        raise VersionFormatUnsupported(
            f"{folder} has index format {content.get('format_version')}, this version of the software reads "
            f"{FORMAT_VERSION}; build the index again or install the version that wrote it"
        )
    try:
        return IndexManifest.model_validate(content)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise VersionCorrupt(f"{path} is damaged at {where}: {error.errors()[0]['msg']}", file=MANIFEST) from error


def _is_intact(content: dict[str, Any], raw: bytes, folder_name: str) -> bool:
    is_canonical = orjson.dumps(content, option=orjson.OPT_INDENT_2) == raw
    content_hash = content.get("content_hash")
    return (
        is_canonical
        and content_hash == _content_hash(content)
        and content.get("version") == folder_name
        and folder_name.endswith(f"-{content_hash[:8]}")
    )


def _content_hash(content: dict[str, Any]) -> str:
    hashed = {key: value for key, value in content.items() if key not in _UNHASHED}
    return hashlib.sha256(orjson.dumps(hashed, option=orjson.OPT_SORT_KEYS)).hexdigest()
