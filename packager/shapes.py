"""The shape of each JSON file that is read back, limited to what its reader needs.

Files of earlier versions fit too. Fields that only a person reads are left out.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypedDict

from msgspec import Meta

Count = Annotated[int, Meta(ge=0, le=2**53)]  # what JSON's readers agree on
Positive = Annotated[int, Meta(ge=1, le=2**53)]
Share = Annotated[float, Meta(ge=0, le=1)]
Finite = Annotated[float, Meta(ge=-1e300, le=1e300)]
Divisor = Annotated[float, Meta(gt=0, le=1e300)]
Size = Annotated[float, Meta(ge=0, le=1e15)]  # milliseconds, bytes, parameters
Score = Annotated[float, Meta(ge=-1e9, le=1e9)]  # logits have no bounds
Line = Annotated[str, Meta(max_length=10_000)]
Json = dict[str, Any]


# --- model_spec.json


class _Model(TypedDict):
    name: Line
    file: Line
    bytes: Count
    sha256: Line
    spec: Line | None
    quantization: Line


class _Input(TypedDict):
    shape: Annotated[list[Positive], Meta(min_length=4, max_length=4)]
    dtype: Literal["float32", "uint8", "int8"]
    scale: Finite | None
    zero_point: int | None
    mean: Annotated[list[Finite], Meta(min_length=1, max_length=3)]
    std: Annotated[list[Divisor], Meta(min_length=1, max_length=3)]


class _Resize(TypedDict):
    rule: Literal["stretch", "crop"]


class _Output(TypedDict):
    semantics: Literal["probabilities", "logits"]


class _Labels(TypedDict):
    file: Line
    count: Count
    sha256: Line


class ShownContract(TypedDict):
    """What the report's page shows of a model_spec.json."""

    model: _Model
    input: _Input


class Contract(ShownContract):
    """A model_spec.json."""

    format: int
    resize: _Resize
    output: _Output
    labels: _Labels


# --- report.json


class _TestPart(TypedDict):
    test: list[str]


class _TestSplit(TypedDict):
    split: _TestPart


class TestedPhotos(TypedDict):
    """A report.json, of which only the photos that were kept for testing are wanted."""

    data: _TestSplit


class _Split(TypedDict):
    train: list[str]
    validation: list[str]
    test: list[str]


class _PartCounts(TypedDict):
    train: Count
    validation: Count
    test: Count


class _Reject(TypedDict):
    path: str
    reason: str


class _DoubtfulLabel(TypedDict):
    problem: Line
    path: Line
    label: Line
    suggested: Line
    detail: Line


class _Fault(TypedDict):
    problem: Line
    path: Line
    detail: Line


class _ClassNote(TypedDict):
    label: Line
    what: Line


class _Findings(TypedDict):
    labels: list[_DoubtfulLabel]
    near_duplicates: list[Annotated[list[Line], Meta(min_length=2)]]
    contradictions: list[Annotated[list[Line], Meta(min_length=2, max_length=2)]]
    faults: list[_Fault]
    class_notes: list[_ClassNote]


class _Looked(TypedDict, total=False):
    findings: _Findings  # not in earlier versions


class _Data(_Looked):
    root: Annotated[str, Meta(min_length=1, max_length=10_000)]
    classes: Annotated[dict[str, _PartCounts], Meta(min_length=1)]
    photos: Count
    presplit: Any
    samples: list[list[str]]
    ignored: Any
    rejects: list[_Reject]
    duplicates: list[Any]
    conflicts: list[Any]
    split: _Split


class _Spec(TypedDict):
    name: Line
    title: Line
    citation: Line


class _PhotoSettings(TypedDict):
    split: Line


class _QuantizationSettings(TypedDict):
    type: Line
    max_accuracy_drop: Finite | None


class _MetadataSettings(TypedDict):
    licence: Line
    author: Line


class _Recipe(TypedDict):
    seed: int
    photos: _PhotoSettings
    quantization: _QuantizationSettings
    metadata: _MetadataSettings


class _WeightsFile(TypedDict):
    path: Line | None
    sha256: Line


class _Weights(_WeightsFile, total=False):
    source: Line
    licence: Line | None


class _Epoch(TypedDict):
    loss: Finite
    accuracy: Finite
    validation_loss: Finite | None  # null without validation
    validation_accuracy: Finite | None


class _FineTuned(TypedDict):
    curves: list[_Epoch]
    best_epoch: Count | None


class _FineTuning(_FineTuned, total=False):
    share: Share
    later_cut_after: Count | None


class _FineTuneChoice(TypedDict):
    mode: Line
    reason: Line


class _Attempt(TypedDict):
    strategy: Line
    drop_points: Finite
    note: str


class _Quantization(TypedDict):
    met: bool
    attempts: list[_Attempt]


class _ClassAccuracy(TypedDict):
    index: Count
    label: str
    precision: Share | None
    recall: Share | None
    photos: Count


class _View(TypedDict):
    top1: Share
    per_class: list[_ClassAccuracy]
    confusion: list[Annotated[list[Count], Meta(min_length=3, max_length=3)]]
    predictions: list[Count]
    confidences: list[Score | None]
    true_scores: list[Score | None]


class _Views(TypedDict):
    stretch: _View
    crop: _View


class _Photos(TypedDict):
    float32: Annotated[dict[str, Count], Meta(min_length=1)]
    exported: Annotated[dict[str, Count], Meta(min_length=1)]


class _Drop(TypedDict):
    stretch: Finite
    crop: Finite


class _Measured(TypedDict):
    photos: _Photos
    float32: _Views
    exported: _Views
    drop_points: _Drop


class _Accuracy(_Measured, total=False):
    basis: Literal["test photos", "cross-validation"]
    agreement: dict[str, Share] | None


class _JudgedView(TypedDict):
    top1: Share
    per_class: list[_ClassAccuracy]
    confusion: list[Annotated[list[Count], Meta(min_length=3, max_length=3)]]


class _Bin(TypedDict):
    low: Share
    high: Share
    answers: Positive
    confidence: Share
    accuracy: Share


class _Reliability(TypedDict):
    error: Share
    bins: list[_Bin]


class _Calibration(TypedDict):
    before: _Reliability
    after: _Reliability


class _CurvePoint(TypedDict):
    photos: Size
    top1: Share


class _Gain(TypedDict):
    points: Finite
    low: Finite
    high: Finite


class _CrossValidation(TypedDict):
    photos: Positive
    folds: Positive
    views: dict[str, _JudgedView]
    calibration: _Calibration
    curve: list[_CurvePoint]
    doubled_top1: Share | None
    classes_in_need: list[Count]
    refit_gain: _Gain | None


class _FalseAccepts(TypedDict):
    what: Line
    photos: Positive
    false_accept_rate: dict[str, Share]


class _Negatives(_FalseAccepts):
    interval: dict[str, tuple[Share, Share]]


class _UnknownClass(TypedDict):
    label: Line
    own: dict[str, dict[str, Count]]
    drawings: _FalseAccepts | None


class _Unknown(_UnknownClass, total=False):
    negatives: _Negatives | None


class _ScoreMeaning(TypedDict):
    temperature: Finite
    threshold: Share


class _Heat(TypedDict):
    view: Literal["stretch", "crop"]
    label: Count
    values: list[list[Share]]


class _Bytes(TypedDict):
    float32: Positive
    exported: Positive


class _Seconds(TypedDict):
    total: Size


class _Made(TypedDict):
    format: int
    command: str
    recipe: _Recipe
    spec: _Spec
    weights: _Weights
    data: _Data
    curves: Annotated[list[_Epoch], Meta(min_length=1)]
    best_epoch: Count | None
    accuracy: _Accuracy
    bytes: _Bytes
    seconds: _Seconds
    versions: dict[str, str]


class Report(_Made, total=False):
    """A report.json, as its page shows it."""

    fine_tuning: _FineTuning | None
    fine_tune_choice: _FineTuneChoice | None
    quantization: _Quantization | None
    android: Any
    labels: Annotated[list[Line], Meta(min_length=1)]
    cross_validation: _CrossValidation | None
    scores: _ScoreMeaning
    unknown: _Unknown | None
    heat: dict[str, _Heat]


class _FlatSettings(TypedDict):
    quantization: Line
    split: Line
    seed: int
    max_accuracy_drop: Finite | None
    licence: Line
    author: Line


class _NamedAttempt(TypedDict):
    name: Line
    drop_points: Finite
    note: str


class _EarlierQuantization(TypedDict):
    held: bool
    rungs: list[_NamedAttempt]


class _EarlierSettings(TypedDict):
    settings: _FlatSettings


class EarlierReport(_EarlierSettings, total=False):
    """Of a report.json of format 1 or 2, what has another shape in 3."""

    quantization: _EarlierQuantization | None


class _EarlierFalseAccepts(TypedDict):
    let_through: Json


class _EarlierUnknownClass(TypedDict):
    strange: _EarlierFalseAccepts | None


class _EarlierUnknown(_EarlierUnknownClass, total=False):
    negatives: _EarlierFalseAccepts | None


class ThirdReport(TypedDict, total=False):
    """Of a report.json of format 1 to 3, what has another shape in 4."""

    unknown: _EarlierUnknown | None


class _FirstView(TypedDict):
    per_class: list[Json]
    confusion: list[list[Count]]


class _FirstViews(TypedDict):
    stretch: _FirstView
    crop: _FirstView


class _FirstAccuracy(TypedDict):
    float32: _FirstViews
    exported: _FirstViews


class _FirstData(TypedDict):
    classes: Json


class FirstReport(TypedDict):
    """Of a report.json of format 1, what has another shape since."""

    data: _FirstData
    accuracy: _FirstAccuracy


# --- comparison.json


class _Top1(TypedDict):
    stretch: Share
    crop: Share


class _Times(TypedDict):
    mean: Size | None
    median: Size | None


class _Latency(_Times, total=False):
    threads: Count | None


class _PhoneLatency(_Latency, total=False):
    accelerator: Line
    device: Line
    matched: Line


class _NamedRow(TypedDict):
    spec: Line
    title: Line
    quantization: Line


class ComparedRow(_NamedRow, total=False):
    model: Line | None
    bytes: Count | None
    sha256: Line | None
    parameters: Count | None
    multiply_adds: Count | None
    top1: _Top1 | None
    host_latency_ms: _Latency | None
    phone_latency_ms: _PhoneLatency | None
    build_seconds: Size | None
    pareto: bool
    error: str | None


class _PhotoCounts(TypedDict):
    train: Count
    validation: Count
    test: Count


class _ComparedData(TypedDict, total=False):
    name: str
    photos: _PhotoCounts


class Compared(TypedDict):
    """A comparison.json, as its page shows it."""

    format: int
    data: _ComparedData
    rows: list[ComparedRow]


class Resumed(TypedDict):
    """A comparison.json that is gone on with; its parts are compared as they are."""

    format: int
    settings: Json
    data: Json
    versions: Json
    rows: list[ComparedRow]


class _Digest(TypedDict):
    sha256: Line


class Digests(TypedDict):
    """A model_spec.json, of which only the digests are wanted."""

    model: _Digest
    labels: _Digest


# --- what the cache and other processes tell


class Written(TypedDict):
    """.packager.json: SHA-256 of the files that packager wrote into a folder, by their names."""

    format: int
    files: dict[str, str]


_Name = Annotated[str, Meta(max_length=250)]


class _Names(TypedDict):
    package: _Name
    app_id: _Name
    app_name: _Name
    locale: _Name | None


class _Answers(_Names, total=False):
    npu: _Name | None


class WrittenProject(TypedDict):
    """.packager.base, unpacked: what packager wrote into an Android project last.

    Texts as they are, of other files their SHA-256, by names relative to the project.
    """

    format: int
    packager: _Name
    answers: _Answers
    texts: dict[str, str]
    digests: dict[str, str]


class _ChangedFile(TypedDict):
    name: str
    old: str | None
    new: str | None


class Journal(TypedDict):
    """journal.json of changes under way: SHA-256 of each file before and after; null: not there."""

    format: int
    files: list[_ChangedFile]


class Listing(TypedDict):
    """complete.json of unpacked photos: their folder, and each file's size in bytes."""

    top: Line
    sizes: dict[str, Count]


class _Facts(TypedDict):
    version: Line
    python: Line


class ClientFacts(_Facts, total=False):
    """What a client of `packager verify` says first."""

    metadata: str
    files: list[str]


class ClientAnswer(TypedDict):
    """Of one photo: (class, label, score), the best first."""

    scores: list[tuple[Count, str | None, Finite]]
    milliseconds: Size
