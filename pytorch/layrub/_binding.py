# SPDX-License-Identifier: Apache-2.0
"""_binding.py - liblayrub's functions, structs and constants, made by make_binding.py from layrub.h: not to be edited

A struct of C is a class of its own name.  It has a second form, a frozen record without sizes, counts and pointers, whose name is
in CamelCase; a member whose name is a keyword of Python has "_" after it there.  _convert.py leads from one to the other.
"""
from __future__ import annotations

import ctypes
import enum
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

__all__ = [
    "LAYRUB_CLASS_ROOM",
    "LAYRUB_DIRECTIONS",
    "LAYRUB_ERROR_TENSORS",
    "LAYRUB_MATH_ROOM",
    "LAYRUB_NONE",
    "LAYRUB_QUEUES",
    "LAYRUB_UNKNOWN_TIME",
    "LAYRUB_UNLIMITED",
    "LAYRUB_VERSION_MAJOR",
    "LAYRUB_VERSION_MINOR",
    "LAYRUB_VERSION_PATCH",
    "Alternative",
    "Buffer",
    "Change",
    "Class",
    "Code",
    "ConvPass",
    "ConvRule",
    "CurvePoint",
    "Device",
    "Direction",
    "Error",
    "Figures",
    "FitBatch",
    "FitOptions",
    "FitResult",
    "FitWay",
    "Graph",
    "Inplace",
    "Instruction",
    "Item",
    "Kernel",
    "Kind",
    "Link",
    "Math",
    "Names",
    "Needs",
    "Op",
    "Phase",
    "Place",
    "PlaceOptions",
    "PlaceResult",
    "PlaceStatus",
    "PlanOptions",
    "ProblemOptions",
    "Program",
    "Queue",
    "Recomputable",
    "Shelf",
    "Span",
    "Stall",
    "Table",
    "Tensor",
    "Timeline",
]

LAYRUB_ERROR_TENSORS = 8
LAYRUB_CLASS_ROOM = 16
LAYRUB_MATH_ROOM = 8
LAYRUB_DIRECTIONS = 2
LAYRUB_QUEUES = 3
LAYRUB_VERSION_MAJOR = 1
LAYRUB_VERSION_MINOR = 0
LAYRUB_VERSION_PATCH = 0
LAYRUB_NONE = 4294967295
LAYRUB_UNKNOWN_TIME = -1.0
LAYRUB_UNLIMITED = 18446744073709551615


class Code(enum.IntEnum):
    """enum layrub_code"""

    OK = 0
    BAD_INPUT = 1  # a document is malformed or missing
    BAD_USAGE = 2  # the options are wrong, whatever the document: path names the one on the command line
    INFEASIBLE = 3  # no plan of this policy fits this budget on this device
    UNSOUND = 4  # the given plan is not sound, or not made for the problem's graph
    SYSTEM = 5  # memory or I/O of the host


class Table(enum.IntEnum):
    """enum layrub_table"""

    POLICIES = 0
    PLACEMENTS = 1
    LOWERINGS = 2
    REORDERS = 3
    TIMES = 4


class Shelf(enum.IntEnum):
    """enum layrub_shelf"""

    NETWORKS = 0
    GRAPHS = 1
    DEVICES = 2


class Kind(enum.IntEnum):
    """The first four are persistent: alive before and after the step.  A result is made by the step and read after it."""

    PARAMETER = 0
    STATE = 1
    OPTIMIZER = 2
    INPUT = 3
    ACTIVATION = 4
    GRADIENT = 5
    RESULT = 6


class Phase(enum.IntEnum):
    """enum layrub_phase"""

    FORWARD = 0
    BACKWARD = 1
    UPDATE = 2


class Class(enum.IntEnum):
    """The class of an op: which rates of a device hold for it."""

    CLASS_BY_NAME = 0  # only in: the class that the op's name and phase say, PyTorch's names or a lowering's
    CONV = 1
    LINEAR = 2
    NORM = 3
    ACTIVATION_OP = 4
    POOL = 5
    ELEMENTWISE = 6
    ATTENTION = 7
    EMBEDDING = 8
    LOSS = 9
    UPDATE_OP = 10
    COPY = 11
    OTHER = 12


class Recomputable(enum.IntEnum):
    """Whether an op may run again."""

    DEFAULT = 0  # only in: yes in phases forward and backward, unless the op writes a persistent tensor
    NO = 1  # a random op, for example
    YES = 2


class Math(enum.IntEnum):
    """enum layrub_math"""

    FLOAT32 = 0
    TF32 = 1
    BFLOAT16 = 2
    FLOAT16 = 3


class Direction(enum.IntEnum):
    """device to host, an offload; host to device, a fetch"""

    D2H = 0
    H2D = 1


class ConvPass(enum.IntEnum):
    """Passes of a convolution; BACKWARD is filter and data in one op."""

    FORWARD = 0
    BACKWARD = 1
    BACKWARD_FILTER = 2
    BACKWARD_DATA = 3


class Queue(enum.IntEnum):
    """run an op; offload to the host; fetch from it"""

    COMPUTE = 0
    OUT = 1
    IN = 2


class PlaceStatus(enum.IntEnum):
    """enum layrub_place_status"""

    OPTIMAL = 0  # no smaller arena exists
    FEASIBLE = 1  # a smaller one may exist
    UNKNOWN = 2  # larger than the capacity: no arena that fits was found
    INFEASIBLE = 3  # larger than the capacity: no arena fits, as is proved


# By their names in C.
ENUMERATORS = {
    "LAYRUB_OK": Code.OK,
    "LAYRUB_BAD_INPUT": Code.BAD_INPUT,
    "LAYRUB_BAD_USAGE": Code.BAD_USAGE,
    "LAYRUB_INFEASIBLE": Code.INFEASIBLE,
    "LAYRUB_UNSOUND": Code.UNSOUND,
    "LAYRUB_SYSTEM": Code.SYSTEM,
    "LAYRUB_POLICIES": Table.POLICIES,
    "LAYRUB_PLACEMENTS": Table.PLACEMENTS,
    "LAYRUB_LOWERINGS": Table.LOWERINGS,
    "LAYRUB_REORDERS": Table.REORDERS,
    "LAYRUB_TIMES": Table.TIMES,
    "LAYRUB_NETWORKS": Shelf.NETWORKS,
    "LAYRUB_GRAPHS": Shelf.GRAPHS,
    "LAYRUB_DEVICES": Shelf.DEVICES,
    "LAYRUB_PARAMETER": Kind.PARAMETER,
    "LAYRUB_STATE": Kind.STATE,
    "LAYRUB_OPTIMIZER": Kind.OPTIMIZER,
    "LAYRUB_INPUT": Kind.INPUT,
    "LAYRUB_ACTIVATION": Kind.ACTIVATION,
    "LAYRUB_GRADIENT": Kind.GRADIENT,
    "LAYRUB_RESULT": Kind.RESULT,
    "LAYRUB_FORWARD": Phase.FORWARD,
    "LAYRUB_BACKWARD": Phase.BACKWARD,
    "LAYRUB_UPDATE": Phase.UPDATE,
    "LAYRUB_CLASS_BY_NAME": Class.CLASS_BY_NAME,
    "LAYRUB_CONV": Class.CONV,
    "LAYRUB_LINEAR": Class.LINEAR,
    "LAYRUB_NORM": Class.NORM,
    "LAYRUB_ACTIVATION_OP": Class.ACTIVATION_OP,
    "LAYRUB_POOL": Class.POOL,
    "LAYRUB_ELEMENTWISE": Class.ELEMENTWISE,
    "LAYRUB_ATTENTION": Class.ATTENTION,
    "LAYRUB_EMBEDDING": Class.EMBEDDING,
    "LAYRUB_LOSS": Class.LOSS,
    "LAYRUB_UPDATE_OP": Class.UPDATE_OP,
    "LAYRUB_COPY": Class.COPY,
    "LAYRUB_OTHER": Class.OTHER,
    "LAYRUB_RECOMPUTABLE_DEFAULT": Recomputable.DEFAULT,
    "LAYRUB_RECOMPUTABLE_NO": Recomputable.NO,
    "LAYRUB_RECOMPUTABLE_YES": Recomputable.YES,
    "LAYRUB_FLOAT32": Math.FLOAT32,
    "LAYRUB_TF32": Math.TF32,
    "LAYRUB_BFLOAT16": Math.BFLOAT16,
    "LAYRUB_FLOAT16": Math.FLOAT16,
    "LAYRUB_D2H": Direction.D2H,
    "LAYRUB_H2D": Direction.H2D,
    "LAYRUB_CONV_FORWARD": ConvPass.FORWARD,
    "LAYRUB_CONV_BACKWARD": ConvPass.BACKWARD,
    "LAYRUB_CONV_BACKWARD_FILTER": ConvPass.BACKWARD_FILTER,
    "LAYRUB_CONV_BACKWARD_DATA": ConvPass.BACKWARD_DATA,
    "LAYRUB_COMPUTE": Queue.COMPUTE,
    "LAYRUB_OUT": Queue.OUT,
    "LAYRUB_IN": Queue.IN,
    "LAYRUB_PLACE_OPTIMAL": PlaceStatus.OPTIMAL,
    "LAYRUB_PLACE_FEASIBLE": PlaceStatus.FEASIBLE,
    "LAYRUB_PLACE_UNKNOWN": PlaceStatus.UNKNOWN,
    "LAYRUB_PLACE_INFEASIBLE": PlaceStatus.INFEASIBLE,
}


class Structure(ctypes.Structure):
    """A struct of C.  One that begins with `size` is made with that size, and with the rest of its _INIT."""

    lengths: ClassVar[dict[str, str]] = {}  # array: the member that counts it
    inner: ClassVar[dict[str, str]] = {}  # array of arrays: the member that counts each of them
    enums: ClassVar[dict[str, type[enum.IntEnum]]] = {}  # integer: the enum whose values it holds
    initial: ClassVar[dict[str, Any]] = {}
    record: ClassVar[type | None] = None  # its second form

    def __init__(self, **members: Any) -> None:
        super().__init__(**{**self.initial, **members})


class layrub_error(Structure):
    """Filled as far as its size goes; not at all where the size is 0."""


layrub_error._fields_ = [
    ("size", ctypes.c_size_t),
    ("code", ctypes.c_uint32),
    ("op", ctypes.c_uint32),
    ("missing_bytes", ctypes.c_uint64),
    ("tensor_count", ctypes.c_uint32),
    ("tensors", ctypes.c_uint32 * 8),
    ("source", ctypes.c_char * 256),
    ("path", ctypes.c_char * 256),
    ("text", ctypes.c_char * 1024),
]
layrub_error.lengths = {
    "tensors": "tensor_count",
}
layrub_error.enums = {"code": Code}
layrub_error.initial = {"size": ctypes.sizeof(layrub_error)}


class layrub_names(Structure):
    """The names of the installed documents, sorted.  The command looks in the same places (docs/command-line.md, "Names")."""


layrub_names._fields_ = [
    ("size", ctypes.c_size_t),
    ("count", ctypes.c_size_t),
    ("names", ctypes.POINTER(ctypes.c_char_p)),
]
layrub_names.lengths = {
    "names": "count",
}
layrub_names.initial = {"size": ctypes.sizeof(layrub_names)}


class layrub_tensor(Structure):
    """struct layrub_tensor"""


layrub_tensor._fields_ = [
    ("bytes", ctypes.c_uint64),
    ("kind", ctypes.c_uint32),
]
layrub_tensor.enums = {"kind": Kind}


class layrub_inplace(Structure):
    """A permission: tensor output may take over the bytes of tensor input in the same run of the op."""


layrub_inplace._fields_ = [
    ("input", ctypes.c_uint32),
    ("output", ctypes.c_uint32),
]


class layrub_alternative(Structure):
    """Another algorithm for the same op."""


layrub_alternative._fields_ = [
    ("workspace_bytes", ctypes.c_uint64),
    ("time_us", ctypes.c_double),
]


class layrub_op(Structure):
    """struct layrub_op"""


layrub_op._fields_ = [
    ("name", ctypes.c_char_p),
    ("layer", ctypes.c_char_p),
    ("source", ctypes.c_char_p),
    ("phase", ctypes.c_uint32),
    ("op_class", ctypes.c_uint32),
    ("recomputable", ctypes.c_uint32),
    ("input_count", ctypes.c_uint32),
    ("output_count", ctypes.c_uint32),
    ("inplace_count", ctypes.c_uint32),
    ("alternative_count", ctypes.c_uint32),
    ("inputs", ctypes.POINTER(ctypes.c_uint32)),
    ("outputs", ctypes.POINTER(ctypes.c_uint32)),
    ("inplace", ctypes.POINTER(layrub_inplace)),
    ("alternatives", ctypes.POINTER(layrub_alternative)),
    ("workspace_bytes", ctypes.c_uint64),
    ("time_us", ctypes.c_double),
    ("estimated", ctypes.c_bool),
    ("math", ctypes.c_uint32),
    ("flops", ctypes.c_double),
    ("memory_bytes", ctypes.c_uint64),
]
layrub_op.lengths = {
    "inputs": "input_count",
    "outputs": "output_count",
    "inplace": "inplace_count",
    "alternatives": "alternative_count",
}
layrub_op.enums = {"phase": Phase, "op_class": Class, "recomputable": Recomputable, "math": Math}


class layrub_graph(Structure):
    """One training step; ids are positions."""


layrub_graph._fields_ = [
    ("size", ctypes.c_size_t),
    ("name", ctypes.c_char_p),
    ("source", ctypes.c_char_p),
    ("tensor_count", ctypes.c_uint32),
    ("op_count", ctypes.c_uint32),
    ("tensors", ctypes.POINTER(layrub_tensor)),
    ("ops", ctypes.POINTER(layrub_op)),
    ("measured_device", ctypes.c_char_p),
    ("measured_step_time_us", ctypes.c_double),
    ("measured_peak_bytes", ctypes.c_uint64),
    ("measured_resident_bytes", ctypes.c_uint64),
    ("tensor_names", ctypes.POINTER(ctypes.c_char_p)),
]
layrub_graph.lengths = {
    "tensors": "tensor_count",
    "ops": "op_count",
    "tensor_names": "tensor_count",
}
layrub_graph.initial = {"size": ctypes.sizeof(layrub_graph)}


class layrub_curve_point(Structure):
    """A measured transfer.  Sizes and times of a curve rise."""


layrub_curve_point._fields_ = [
    ("bytes", ctypes.c_uint64),
    ("time_us", ctypes.c_double),
]


class layrub_link(Structure):
    """struct layrub_link"""


layrub_link._fields_ = [
    ("latency_us", ctypes.c_double),
    ("bytes_per_s", ctypes.c_double),
    ("point_count", ctypes.c_uint32),
    ("loaded_count", ctypes.c_uint32),
    ("points", ctypes.POINTER(layrub_curve_point)),
    ("loaded", ctypes.POINTER(layrub_curve_point)),
]
layrub_link.lengths = {
    "points": "point_count",
    "loaded": "loaded_count",
}


class layrub_kernel(Structure):
    """The efficiency of one kernel, where that of its class is wrong."""


layrub_kernel._fields_ = [
    ("name", ctypes.c_char_p),
    ("flops", ctypes.c_double),
    ("memory", ctypes.c_double),
]


class layrub_conv_rule(Structure):
    """A rule for the workspace of convolutions (docs/formats.md, "conv_workspace")."""


layrub_conv_rule._fields_ = [
    ("pass", ctypes.c_uint32),
    ("math", ctypes.c_uint32),
    ("pointwise", ctypes.c_bool),
    ("pixel_multiple", ctypes.c_uint32),
    ("input", ctypes.c_double),
    ("output", ctypes.c_double),
    ("weight", ctypes.c_double),
    ("weight_per_sample", ctypes.c_double),
    ("fixed_bytes", ctypes.c_uint64),
]
layrub_conv_rule.enums = {"pass": ConvPass, "math": Math}


class layrub_device(Structure):
    """A "layrub-device" document as a struct; docs/formats.md has the meaning and the range of each value.  In an array by
    class, in, element LAYRUB_CLASS_BY_NAME is the value of the classes whose element is 0; out, this element is 0 and every
    class has its value.
    """


layrub_device._fields_ = [
    ("size", ctypes.c_size_t),
    ("name", ctypes.c_char_p),
    ("gpu", ctypes.c_char_p),
    ("source", ctypes.c_char_p),
    ("memory_bytes", ctypes.c_uint64),
    ("reserved_bytes", ctypes.c_uint64),
    ("process_bytes", ctypes.c_uint64),
    ("pinned_bytes", ctypes.c_uint64),
    ("flops", ctypes.c_double * 8),
    ("memory_bytes_per_s", ctypes.c_double),
    ("launch_us", ctypes.c_double),
    ("flop_efficiency", ctypes.c_double * 16),
    ("memory_efficiency", ctypes.c_double * 16),
    ("contention", ctypes.c_double * 16),
    ("captured_gap_us", ctypes.c_double * 16),
    ("link", layrub_link * 2),
    ("duplex_bytes_per_s", ctypes.c_double),
    ("wait_us", ctypes.c_double),
    ("copy_engines", ctypes.c_uint32),
    ("multiprocessors", ctypes.c_uint32),
    ("gemm_tile", ctypes.c_uint32 * 2),
    ("conv_tile", ctypes.c_uint32 * 2),
    ("kernel_count", ctypes.c_uint32),
    ("conv_rule_count", ctypes.c_uint32),
    ("kernels", ctypes.POINTER(layrub_kernel)),
    ("conv_rules", ctypes.POINTER(layrub_conv_rule)),
]
layrub_device.lengths = {
    "kernels": "kernel_count",
    "conv_rules": "conv_rule_count",
}
layrub_device.initial = {"size": ctypes.sizeof(layrub_device)}


class layrub_problem_options(Structure):
    """struct layrub_problem_options"""


layrub_problem_options._fields_ = [
    ("size", ctypes.c_size_t),
    ("device", ctypes.c_char_p),
    ("device_text", ctypes.c_char_p),
    ("device_data", ctypes.POINTER(layrub_device)),
    ("lowering", ctypes.c_char_p),
    ("times", ctypes.c_char_p),
    ("reorder", ctypes.c_char_p),
    ("batch", ctypes.c_uint32),
    ("accumulate", ctypes.c_uint32),
    ("gpus_per_link", ctypes.c_uint32),
    ("set_count", ctypes.c_uint32),
    ("host_bytes", ctypes.c_uint64),
    ("set", ctypes.POINTER(ctypes.c_char_p)),
    ("seq", ctypes.c_uint32),
    ("image", ctypes.c_uint32),
]
layrub_problem_options.lengths = {
    "set": "set_count",
}
layrub_problem_options.initial = {"size": ctypes.sizeof(layrub_problem_options)}


class layrub_needs(Structure):
    """struct layrub_needs"""


layrub_needs._fields_ = [
    ("size", ctypes.c_size_t),
    ("batch", ctypes.c_uint32),
    ("accumulate", ctypes.c_uint32),
    ("estimated_ops", ctypes.c_uint32),
    ("foreign_times", ctypes.c_bool),
    ("device_bytes", ctypes.c_uint64),
    ("peak_bytes", ctypes.c_uint64),
    ("persistent_bytes", ctypes.c_uint64),
    ("bound_bytes", ctypes.c_uint64),
    ("resident_bound_bytes", ctypes.c_uint64),
    ("peak_op", ctypes.c_uint32),
    ("bound_op", ctypes.c_uint32),
    ("resident_bound_op", ctypes.c_uint32),
    ("ideal_time_us", ctypes.c_double),
]
layrub_needs.initial = {"size": ctypes.sizeof(layrub_needs)}


class layrub_problem(Structure):
    """struct layrub_problem"""


class layrub_plan(Structure):
    """struct layrub_plan"""


class layrub_plan_options(Structure):
    """struct layrub_plan_options"""


layrub_plan_options_stopped = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p)


layrub_plan_options_progress = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p)


layrub_plan_options._fields_ = [
    ("size", ctypes.c_size_t),
    ("policy", ctypes.c_char_p),
    ("placement", ctypes.c_char_p),
    ("budget_bytes", ctypes.c_uint64),
    ("budget_percent", ctypes.c_double),
    ("slowdown_percent", ctypes.c_double),
    ("minimise_memory", ctypes.c_bool),
    ("time_limit_s", ctypes.c_double),
    ("threads", ctypes.c_uint32),
    ("stopped", layrub_plan_options_stopped),
    ("progress", layrub_plan_options_progress),
    ("user", ctypes.c_void_p),
    ("effort", ctypes.c_double),
    ("homes", ctypes.POINTER(layrub_plan)),
]
layrub_plan_options.initial = {"size": ctypes.sizeof(layrub_plan_options)}


class layrub_buffer(Structure):
    """A stretch of the arena, or of the pinned host pool, that holds one tensor for one live range."""


layrub_buffer._fields_ = [
    ("tensor", ctypes.c_uint32),
    ("offset_bytes", ctypes.c_uint64),
    ("bytes", ctypes.c_uint64),
]


class layrub_place(Structure):
    """The place of a persistent tensor before or after the step."""


layrub_place._fields_ = [
    ("tensor", ctypes.c_uint32),
    ("on_host", ctypes.c_bool),
    ("buffer", ctypes.c_uint32),
]


class layrub_instruction(Structure):
    """Instructions of one queue run in list order; each waits for those in `after`, all earlier ones of other queues."""


layrub_instruction._fields_ = [
    ("queue", ctypes.c_uint32),
    ("after_count", ctypes.c_uint32),
    ("after", ctypes.POINTER(ctypes.c_uint32)),
    ("op", ctypes.c_uint32),
    ("read_count", ctypes.c_uint32),
    ("write_count", ctypes.c_uint32),
    ("reads", ctypes.POINTER(ctypes.c_uint32)),
    ("writes", ctypes.POINTER(ctypes.c_uint32)),
    ("workspace", ctypes.c_uint32),
    ("alternative", ctypes.c_uint32),
    ("buffer", ctypes.c_uint32),
    ("host_buffer", ctypes.c_uint32),
    ("at_bytes", ctypes.c_uint64),
    ("bytes", ctypes.c_uint64),
]
layrub_instruction.lengths = {
    "after": "after_count",
    "reads": "read_count",
    "writes": "write_count",
}
layrub_instruction.enums = {"queue": Queue}


class layrub_program(Structure):
    """struct layrub_program"""


layrub_program._fields_ = [
    ("size", ctypes.c_size_t),
    ("policy", ctypes.c_char_p),
    ("placement", ctypes.c_char_p),
    ("options", ctypes.c_char_p),
    ("tool", ctypes.c_char_p),
    ("status", ctypes.c_char_p),
    ("found_by", ctypes.c_char_p),
    ("configuration", ctypes.c_char_p),
    ("device", ctypes.c_char_p),
    ("graph_digest", ctypes.c_char_p),
    ("device_digest", ctypes.c_char_p),
    ("batch", ctypes.c_uint32),
    ("budget_bytes", ctypes.c_uint64),
    ("arena_bytes", ctypes.c_uint64),
    ("host_bytes", ctypes.c_uint64),
    ("buffer_count", ctypes.c_uint32),
    ("host_buffer_count", ctypes.c_uint32),
    ("initial_count", ctypes.c_uint32),
    ("final_count", ctypes.c_uint32),
    ("instruction_count", ctypes.c_uint32),
    ("buffers", ctypes.POINTER(layrub_buffer)),
    ("host_buffers", ctypes.POINTER(layrub_buffer)),
    ("initial_places", ctypes.POINTER(layrub_place)),
    ("final_places", ctypes.POINTER(layrub_place)),
    ("instructions", ctypes.POINTER(layrub_instruction)),
]
layrub_program.lengths = {
    "buffers": "buffer_count",
    "host_buffers": "host_buffer_count",
    "initial_places": "initial_count",
    "final_places": "final_count",
    "instructions": "instruction_count",
}
layrub_program.initial = {"size": ctypes.sizeof(layrub_program)}


class layrub_figures(Structure):
    """The figures of `layrub plan --json`.  overhead = step_time_us / ideal_time_us - 1."""


layrub_figures._fields_ = [
    ("size", ctypes.c_size_t),
    ("budget_bytes", ctypes.c_uint64),
    ("arena_bytes", ctypes.c_uint64),
    ("peak_bytes", ctypes.c_uint64),
    ("host_bytes", ctypes.c_uint64),
    ("bound_bytes", ctypes.c_uint64),
    ("resident_bound_bytes", ctypes.c_uint64),
    ("offload_bytes", ctypes.c_uint64),
    ("fetch_bytes", ctypes.c_uint64),
    ("ideal_time_us", ctypes.c_double),
    ("step_time_us", ctypes.c_double),
    ("stall_time_us", ctypes.c_double),
    ("recompute_time_us", ctypes.c_double),
    ("bound_time_us", ctypes.c_double),
    ("occupancy_bytes", ctypes.c_uint64),
    ("host_occupancy_bytes", ctypes.c_uint64),
    ("busy_us", ctypes.c_double * 3),
    ("process_bytes", ctypes.c_uint64),
    ("estimated_ops", ctypes.c_uint64),
]
layrub_figures.initial = {"size": ctypes.sizeof(layrub_figures)}


class layrub_change(Structure):
    """A changed machine.  A member that is 0 or NULL changes nothing."""


layrub_change._fields_ = [
    ("size", ctypes.c_size_t),
    ("device", ctypes.c_char_p),
    ("device_text", ctypes.c_char_p),
    ("device_data", ctypes.POINTER(layrub_device)),
    ("gpus_per_link", ctypes.c_uint32),
    ("h2d_bytes_per_s", ctypes.c_double),
    ("d2h_bytes_per_s", ctypes.c_double),
    ("duplex_bytes_per_s", ctypes.c_double),
    ("latency_us", ctypes.c_double),
    ("compute_scale", ctypes.c_double),
]
layrub_change.initial = {"size": ctypes.sizeof(layrub_change)}


class layrub_span(Structure):
    """struct layrub_span"""


layrub_span._fields_ = [
    ("start_us", ctypes.c_double),
    ("end_us", ctypes.c_double),
]


class layrub_stall(Structure):
    """An idle stretch of compute before instruction `waiting`, because of the edge from instruction `cause`, a copy."""


layrub_stall._fields_ = [
    ("start_us", ctypes.c_double),
    ("end_us", ctypes.c_double),
    ("waiting", ctypes.c_uint32),
    ("cause", ctypes.c_uint32),
]


class layrub_timeline(Structure):
    """One simulated step in time.  Occupancy is one row for each time at which a sum changes."""


layrub_timeline._fields_ = [
    ("size", ctypes.c_size_t),
    ("span_count", ctypes.c_uint32),
    ("stall_count", ctypes.c_uint32),
    ("row_count", ctypes.c_uint32),
    ("spans", ctypes.POINTER(layrub_span)),
    ("stalls", ctypes.POINTER(layrub_stall)),
    ("times_us", ctypes.POINTER(ctypes.c_double)),
    ("device_bytes", ctypes.POINTER(ctypes.c_uint64)),
    ("host_bytes", ctypes.POINTER(ctypes.c_uint64)),
    ("workspace_bytes", ctypes.POINTER(ctypes.c_uint64)),
    ("kind_count", ctypes.c_uint32),
    ("kind_bytes", ctypes.POINTER(ctypes.POINTER(ctypes.c_uint64))),
]
layrub_timeline.lengths = {
    "spans": "span_count",
    "stalls": "stall_count",
    "times_us": "row_count",
    "device_bytes": "row_count",
    "host_bytes": "row_count",
    "workspace_bytes": "row_count",
    "kind_bytes": "kind_count",
}
layrub_timeline.inner = {"kind_bytes": "row_count"}
layrub_timeline.initial = {"size": ctypes.sizeof(layrub_timeline)}


class layrub_fit_options(Structure):
    """struct layrub_fit_options"""


layrub_fit_options_stopped = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p)


layrub_fit_options_progress = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p)


layrub_fit_options._fields_ = [
    ("size", ctypes.c_size_t),
    ("policy", ctypes.c_char_p),
    ("placement", ctypes.c_char_p),
    ("budget_bytes", ctypes.c_uint64),
    ("budget_percent", ctypes.c_double),
    ("slowdown_percent", ctypes.c_double),
    ("time_limit_s", ctypes.c_double),
    ("threads", ctypes.c_uint32),
    ("this_batch_only", ctypes.c_uint32),
    ("stopped", layrub_fit_options_stopped),
    ("progress", layrub_fit_options_progress),
    ("user", ctypes.c_void_p),
    ("largest", ctypes.c_char_p),
    ("effort", ctypes.c_double),
]
layrub_fit_options.initial = {"size": ctypes.sizeof(layrub_fit_options)}


class layrub_fit_batch(Structure):
    """One batch, planned and timed."""


layrub_fit_batch._fields_ = [
    ("batch", ctypes.c_uint32),
    ("has_plan", ctypes.c_uint32),
    ("arena_bytes", ctypes.c_uint64),
    ("host_bytes", ctypes.c_uint64),
    ("step_time_us", ctypes.c_double),
    ("overhead", ctypes.c_double),
]


class layrub_fit_way(Structure):
    """A step as layrub_plan_make() makes it: of a problem at this batch and these passes, with this effort."""


layrub_fit_way._fields_ = [
    ("batch", ctypes.c_uint32),
    ("accumulate", ctypes.c_uint32),
    ("resident", ctypes.c_uint32),
    ("effort", ctypes.c_double),
    ("step_time_us", ctypes.c_double),
    ("samples_per_s", ctypes.c_double),
    ("tokens_per_s", ctypes.c_double),
    ("peak_share", ctypes.c_double),
]


class layrub_fit_result(Structure):
    """The answer of `layrub fit`."""


layrub_fit_result._fields_ = [
    ("size", ctypes.c_size_t),
    ("fits", ctypes.c_bool),
    ("resident", ctypes.c_bool),
    ("unfinished", ctypes.c_bool),
    ("micro_batch", ctypes.c_uint32),
    ("micro_steps", ctypes.c_uint32),
    ("micro_step_time_us", ctypes.c_double),
    ("own", layrub_fit_batch),
    ("largest_resident", layrub_fit_batch),
    ("largest_planned", layrub_fit_batch),
    ("budget_bytes", ctypes.c_uint64),
    ("step_peak_bytes", ctypes.c_uint64),
    ("persistent_bytes", ctypes.c_uint64),
    ("transient_bytes", ctypes.c_uint64),
    ("workspace_bytes", ctypes.c_uint64),
    ("answer", ctypes.c_char * 256),
    ("limit", ctypes.c_char * 1024),
    ("at_every_batch", ctypes.c_char * 256),
    ("gradient_bytes", ctypes.c_uint64),
    ("resident_size", ctypes.c_uint32),
    ("planned_size", ctypes.c_uint32),
    ("is_largest", ctypes.c_bool),
    ("accumulation", layrub_fit_way),
    ("fastest", layrub_fit_way),
]
layrub_fit_result.initial = {"size": ctypes.sizeof(layrub_fit_result)}


class layrub_item(Structure):
    """struct layrub_item"""


layrub_item._fields_ = [
    ("lower", ctypes.c_int64),
    ("upper", ctypes.c_int64),
    ("bytes", ctypes.c_uint64),
    ("alignment", ctypes.c_uint64),
    ("fixed", ctypes.c_bool),
    ("offset_bytes", ctypes.c_uint64),
]


class layrub_place_options(Structure):
    """struct layrub_place_options"""


layrub_place_options_stopped = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p)


layrub_place_options_progress = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p)


layrub_place_options._fields_ = [
    ("size", ctypes.c_size_t),
    ("placement", ctypes.c_char_p),
    ("capacity_bytes", ctypes.c_uint64),
    ("time_limit_s", ctypes.c_double),
    ("threads", ctypes.c_uint32),
    ("stopped", layrub_place_options_stopped),
    ("progress", layrub_place_options_progress),
    ("user", ctypes.c_void_p),
]
layrub_place_options.initial = {"size": ctypes.sizeof(layrub_place_options)}


class layrub_place_result(Structure):
    """struct layrub_place_result"""


layrub_place_result._fields_ = [
    ("size", ctypes.c_size_t),
    ("arena_bytes", ctypes.c_uint64),
    ("bound_bytes", ctypes.c_uint64),
    ("status", ctypes.c_uint32),
]
layrub_place_result.enums = {"status": PlaceStatus}
layrub_place_result.initial = {"size": ctypes.sizeof(layrub_place_result)}


@dataclass(frozen=True, slots=True)
class Error:
    """Filled as far as its size goes; not at all where the size is 0."""

    code: Code = Code.OK  # enum layrub_code
    # LAYRUB_INFEASIBLE: the reason, as far as it is known.  Ids are positions in the problem's graph. LAYRUB_NONE: no op in
    # particular
    op: int | None = None
    missing_bytes: int = 0  # of the budget, or of the changed device; 0: not known
    tensors: tuple[int, ...] = ()  # those of the op, the largest first
    source: str = ""  # the file, or ""
    path: str = ""  # the place in it ("tensors[12].bytes"), or ""
    text: str = ""  # what is wrong, one line


@dataclass(frozen=True, slots=True)
class Names:
    """The names of the installed documents, sorted.  The command looks in the same places (docs/command-line.md, "Names")."""

    names: tuple[str, ...] = ()  # [count]


@dataclass(frozen=True, slots=True)
class Tensor:
    """struct layrub_tensor"""

    bytes: int = 0  # may be 0
    kind: Kind = Kind.PARAMETER  # enum layrub_kind


@dataclass(frozen=True, slots=True)
class Inplace:
    """A permission: tensor output may take over the bytes of tensor input in the same run of the op."""

    input: int = 0
    output: int = 0


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another algorithm for the same op."""

    workspace_bytes: int = 0
    time_us: float = 0.0


@dataclass(frozen=True, slots=True)
class Op:
    """struct layrub_op"""

    name: str | None = None
    layer: str | None = None  # NULL: none
    source: str | None = None  # "model.py:12", the user's line that the op comes from; NULL: not known
    phase: Phase = Phase.FORWARD  # enum layrub_phase
    op_class: Class = Class.CLASS_BY_NAME  # enum layrub_class
    recomputable: Recomputable = Recomputable.DEFAULT  # enum layrub_recomputable
    inputs: tuple[int, ...] = ()  # [input_count] tensor ids, repeats allowed
    outputs: tuple[int, ...] = ()  # [output_count] tensor ids, distinct; one that is also an input is written in place
    inplace: tuple[Inplace, ...] = ()  # [inplace_count]
    alternatives: tuple[Alternative, ...] = ()  # [alternative_count]
    workspace_bytes: int = 0
    time_us: float = 0.0  # on the device, launch included; LAYRUB_UNKNOWN_TIME: not measured
    estimated: bool = False  # time_us was not measured: a problem's device gives it, in place of the number that is in time_us
    math: Math = Math.FLOAT32  # The work, for estimates. enum layrub_math
    flops: float = 0.0  # 0: none, or not known
    memory_bytes: int = 0  # read and written; 0: the bytes of its operands, each once


@dataclass(frozen=True, slots=True)
class Graph:
    """One training step; ids are positions."""

    name: str | None = None
    source: str | None = None  # where it comes from; NULL: not known
    tensors: tuple[Tensor, ...] = ()  # [tensor_count]
    ops: tuple[Op, ...] = ()  # [op_count] in execution order
    measured_device: str | None = None  # The whole step as it was measured; 0 and NULL: it was not. the driver's name for the GPU
    measured_step_time_us: float = 0.0
    measured_peak_bytes: int = 0
    measured_resident_bytes: int = 0
    # [tensor_count] the names by which other graphs have the same tensors, each or NULL; NULL: none has one.
    tensor_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A measured transfer.  Sizes and times of a curve rise."""

    bytes: int = 0
    time_us: float = 0.0


@dataclass(frozen=True, slots=True)
class Link:
    """struct layrub_link"""

    latency_us: float = 0.0  # without a curve, a transfer takes latency + bytes / rate
    bytes_per_s: float = 0.0  # without a curve, a transfer takes latency + bytes / rate
    points: tuple[CurvePoint, ...] = ()  # [point_count]
    loaded: tuple[CurvePoint, ...] = ()  # [loaded_count] measured while compute is busy


@dataclass(frozen=True, slots=True)
class Kernel:
    """The efficiency of one kernel, where that of its class is wrong."""

    name: str | None = None  # of a lowered op: "max-pool-backward"
    flops: float = 0.0  # shares of at most 1; 0: the class's
    memory: float = 0.0  # shares of at most 1; 0: the class's


@dataclass(frozen=True, slots=True)
class ConvRule:
    """A rule for the workspace of convolutions (docs/formats.md, "conv_workspace")."""

    pass_: ConvPass = ConvPass.FORWARD  # enum layrub_conv_pass
    math: Math = Math.FLOAT32  # enum layrub_math
    pointwise: bool = False  # only 1 x 1 kernels of stride 1
    pixel_multiple: int = 0  # 0 or 1: any image
    input: float = 0.0  # factors on the bytes of each
    output: float = 0.0  # factors on the bytes of each
    weight: float = 0.0  # factors on the bytes of each
    weight_per_sample: float = 0.0  # factor on the weight's bytes times the batch
    fixed_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Device:
    """A "layrub-device" document as a struct; docs/formats.md has the meaning and the range of each value.  In an array by
    class, in, element LAYRUB_CLASS_BY_NAME is the value of the classes whose element is 0; out, this element is 0 and every
    class has its value.
    """

    name: str | None = None
    gpu: str | None = None  # the driver's name for it: "NVIDIA H200"
    source: str | None = None  # of the numbers: a measurement, or a datasheet
    memory_bytes: int = 0  # all, as the driver reports it
    reserved_bytes: int = 0  # taken by the driver's context and by libraries
    process_bytes: int = 0  # what a process takes beside its arena; 0: not known
    pinned_bytes: int = 0  # the most host memory that a plan may pin; 0: none; LAYRUB_UNLIMITED: no limit
    flops: tuple[float, ...] = ()  # peak FLOP/s by enum layrub_math; 0: not supported
    memory_bytes_per_s: float = 0.0
    launch_us: float = 0.0  # added to the time of each op
    flop_efficiency: tuple[float, ...] = ()  # share of flops that is reached, by enum layrub_class
    memory_efficiency: tuple[float, ...] = ()  # share of the bandwidth that is reached
    contention: tuple[float, ...] = ()  # time factor >= 1 of an op while both directions copy
    captured_gap_us: tuple[float, ...] = ()  # by which an op takes less inside a captured step
    link: tuple[Link, ...] = ()
    duplex_bytes_per_s: float = 0.0  # both directions together
    wait_us: float = 0.0  # of one queue for an event of another; 0: not known
    copy_engines: int = 0  # 1: one transfer at a time, either way; 2: one each way
    multiprocessors: int = 0  # 0: not known, every kernel fills them
    gemm_tile: tuple[int, ...] = ()  # 0: none
    conv_tile: tuple[int, ...] = ()  # 0: none
    kernels: tuple[Kernel, ...] = ()  # [kernel_count]
    conv_rules: tuple[ConvRule, ...] = ()  # [conv_rule_count]


@dataclass(frozen=True, slots=True)
class ProblemOptions:
    """struct layrub_problem_options"""

    device: str | None = None  # One of these three is required. a name or a file
    device_text: str | None = None  # the text of a device document; messages then call it by `device`
    device_data: Device | None = None  # the device itself
    lowering: str | None = None  # of a network
    times: str | None = None  # of a graph
    reorder: str | None = None
    batch: int = 0  # samples of one pass of a network; 0: its own
    accumulate: int = 0  # passes of a network's step; 0: its own
    gpus_per_link: int = 0  # number of GPUs on the same link; 0 or 1: the link is not shared
    host_bytes: int = 0  # the most host memory that a plan may pin; 0: the device's pinned_bytes
    set: tuple[str, ...] = ()  # [set_count] changes of a network: "LAYER.ATTRIBUTE=VALUE" (docs/networks.md)
    seq: int = 0  # length of a network's sequence; height and width of its image; 0: its own
    image: int = 0  # length of a network's sequence; height and width of its image; 0: its own


@dataclass(frozen=True, slots=True)
class Needs:
    """struct layrub_needs"""

    batch: int = 0  # samples of one pass; 0: a graph
    accumulate: int = 0  # passes of a step; 0: a graph
    estimated_ops: int = 0  # ops whose time was not measured but estimated
    foreign_times: bool = False  # the graph's op times were measured on another device than this one
    device_bytes: int = 0  # the largest budget: the device's memory minus the reserved bytes
    peak_bytes: int = 0  # of the step with everything resident
    persistent_bytes: int = 0
    bound_bytes: int = 0  # no plan needs less ...
    resident_bound_bytes: int = 0  # ... and no plan that keeps all persistent tensors on the device needs less than this
    peak_op: int = 0
    bound_op: int = 0
    resident_bound_op: int = 0
    ideal_time_us: float = 0.0  # the sum of the op times


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """struct layrub_plan_options"""

    policy: str | None = None  # default: hybrid
    placement: str | None = None  # default: auto
    budget_bytes: int = 0  # At most one of these four; none: device_bytes of struct layrub_needs.
    budget_percent: float = 0.0  # of the step's own peak
    slowdown_percent: float = 0.0  # find the smallest budget whose step is at most this much longer than the ideal time
    minimise_memory: bool = False  # find the smallest budget that has a plan
    # These end searches early.  The result is the best plan so far; LAYRUB_INFEASIBLE: the search has found none. seconds; 0:
    # none
    time_limit_s: float = 0.0
    threads: int = 0  # 0: as OpenMP decides
    # of hybrid's search, as a multiple of the usual; 0: 1.  Less than 1: a quick draft without floors over budgets
    effort: float = 0.0


@dataclass(frozen=True, slots=True)
class Buffer:
    """A stretch of the arena, or of the pinned host pool, that holds one tensor for one live range."""

    tensor: int | None = None  # LAYRUB_NONE: a workspace
    offset_bytes: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a persistent tensor before or after the step."""

    tensor: int = 0
    on_host: bool = False
    buffer: int = 0  # in host_buffers when on_host, else in buffers


@dataclass(frozen=True, slots=True)
class Instruction:
    """Instructions of one queue run in list order; each waits for those in `after`, all earlier ones of other queues."""

    queue: Queue = Queue.COMPUTE  # enum layrub_queue
    after: tuple[int, ...] = ()  # [after_count] instruction ids
    op: int = 0  # LAYRUB_COMPUTE
    reads: tuple[int, ...] = ()  # [read_count] buffers: reads[i] holds the op's inputs[i]
    writes: tuple[int, ...] = ()  # [write_count] buffers: writes[j] holds its outputs[j]
    workspace: int | None = None  # a buffer, or LAYRUB_NONE
    alternative: int | None = None  # another algorithm of the op's document, or LAYRUB_NONE
    buffer: int = 0  # LAYRUB_OUT: buffer to host_buffer; LAYRUB_IN: host_buffer to buffer
    host_buffer: int = 0  # LAYRUB_OUT: buffer to host_buffer; LAYRUB_IN: host_buffer to buffer
    at_bytes: int = 0  # the part of the tensor that moves
    bytes: int = 0  # the part of the tensor that moves


@dataclass(frozen=True, slots=True)
class Program:
    """struct layrub_program"""

    policy: str | None = None  # The origin of the plan.
    placement: str | None = None  # The origin of the plan.
    options: str | None = None  # The origin of the plan.
    tool: str | None = None  # The origin of the plan.
    status: str | None = None  # The origin of the plan.
    found_by: str | None = None  # another policy whose schedule was the fastest; NULL: the schedule is the policy's own
    configuration: str | None = None  # of the search that found the schedule; NULL: none
    device: str | None = None  # its name
    graph_digest: str | None = None  # XXH3-128 of the documents' text, 32 hex digits
    device_digest: str | None = None  # XXH3-128 of the documents' text, 32 hex digits
    batch: int = 0  # of the network that was lowered; 0: the input was a graph
    budget_bytes: int = 0
    arena_bytes: int = 0  # to allocate: one stretch on the device, one of pinned memory
    host_bytes: int = 0  # to allocate: one stretch on the device, one of pinned memory
    buffers: tuple[Buffer, ...] = ()  # [buffer_count]
    host_buffers: tuple[Buffer, ...] = ()  # [host_buffer_count]
    initial_places: tuple[Place, ...] = ()  # [initial_count] before the step
    final_places: tuple[Place, ...] = ()  # [final_count] after it
    instructions: tuple[Instruction, ...] = ()  # [instruction_count]


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of `layrub plan --json`.  overhead = step_time_us / ideal_time_us - 1."""

    budget_bytes: int = 0
    arena_bytes: int = 0
    peak_bytes: int = 0
    host_bytes: int = 0
    bound_bytes: int = 0
    resident_bound_bytes: int = 0
    offload_bytes: int = 0
    fetch_bytes: int = 0
    ideal_time_us: float = 0.0
    step_time_us: float = 0.0
    stall_time_us: float = 0.0
    recompute_time_us: float = 0.0
    bound_time_us: float = 0.0  # no plan at this budget is faster; 0: not known
    occupancy_bytes: int = 0  # 0 before a simulation: the most that is in use at once, over simulated time
    host_occupancy_bytes: int = 0  # 0 before a simulation: the most that is in use at once, over simulated time
    busy_us: tuple[float, ...] = ()
    process_bytes: int = 0  # the arena and what the process takes beside it; 0: not known
    estimated_ops: int = 0  # ops whose time was not measured but estimated


@dataclass(frozen=True, slots=True)
class Change:
    """A changed machine.  A member that is 0 or NULL changes nothing."""

    device: str | None = None  # At most one of these three: this device's link, contention and memory; op times stay.
    device_text: str | None = None  # At most one of these three: this device's link, contention and memory; op times stay.
    device_data: Device | None = None
    gpus_per_link: int = 0  # number of GPUs that share the link
    h2d_bytes_per_s: float = 0.0
    d2h_bytes_per_s: float = 0.0
    duplex_bytes_per_s: float = 0.0
    latency_us: float = 0.0  # of a copy
    compute_scale: float = 0.0  # factor by which compute is faster


@dataclass(frozen=True, slots=True)
class Span:
    """struct layrub_span"""

    start_us: float = 0.0
    end_us: float = 0.0


@dataclass(frozen=True, slots=True)
class Stall:
    """An idle stretch of compute before instruction `waiting`, because of the edge from instruction `cause`, a copy."""

    start_us: float = 0.0
    end_us: float = 0.0
    waiting: int | None = None  # LAYRUB_NONE: the end of the step, which waits for all queues
    cause: int = 0


@dataclass(frozen=True, slots=True)
class Timeline:
    """One simulated step in time.  Occupancy is one row for each time at which a sum changes."""

    spans: tuple[Span, ...] = ()  # [span_count] by instruction
    stalls: tuple[Stall, ...] = ()  # [stall_count] in time order
    times_us: tuple[float, ...] = ()  # [row_count] rising
    device_bytes: tuple[int, ...] = ()  # [row_count] in use in the arena from this time on
    host_bytes: tuple[int, ...] = ()  # [row_count] in the pinned pool
    workspace_bytes: tuple[int, ...] = ()  # [row_count] the part of device_bytes that is workspace ...
    kind_bytes: tuple[tuple[int, ...], ...] = ()  # [kind_count][row_count] ... and the parts by enum layrub_kind


@dataclass(frozen=True, slots=True)
class FitOptions:
    """struct layrub_fit_options"""

    policy: str | None = None  # default: hybrid
    placement: str | None = None  # default: auto
    budget_bytes: int = 0  # At most one of these two; none: device_bytes of struct layrub_needs.
    budget_percent: float = 0.0  # of the step's own peak
    slowdown_percent: float = 0.0  # by which a step may be longer than its ideal time; 0: 25
    time_limit_s: float = 0.0  # seconds for each plan; 0: none
    threads: int = 0  # 0: as OpenMP decides
    this_batch_only: int = 0  # 1: largest batches and micro-steps are not searched
    largest: str | None = None  # of a network, the size to search: "batch" (default), "seq" or "image"
    effort: float = 0.0  # as in struct layrub_plan_options; 0: as much as each of the search's plans needs


@dataclass(frozen=True, slots=True)
class FitBatch:
    """One batch, planned and timed."""

    batch: int = 0  # of the search for the largest batch, 0: none fits
    has_plan: int = 0  # 0: no plan was found, and the figures are 0
    arena_bytes: int = 0
    host_bytes: int = 0
    step_time_us: float = 0.0
    overhead: float = 0.0  # step time / ideal time - 1


@dataclass(frozen=True, slots=True)
class FitWay:
    """A step as layrub_plan_make() makes it: of a problem at this batch and these passes, with this effort."""

    batch: int = 0  # of one pass; 0: there is no such way, or it was not looked for
    accumulate: int = 0  # passes
    resident: int = 0  # 1: by the policy keep; 0: by that of the options
    effort: float = 0.0  # 0: the usual
    step_time_us: float = 0.0
    samples_per_s: float = 0.0  # tokens 0: samples are no sequences
    tokens_per_s: float = 0.0  # tokens 0: samples are no sequences
    peak_share: float = 0.0  # of the device's peak arithmetic; 0: not known


@dataclass(frozen=True, slots=True)
class FitResult:
    """The answer of `layrub fit`."""

    fits: bool = False  # the problem's batch has a plan that is fast enough ...
    resident: bool = False  # ... with every tensor on the device
    unfinished: bool = False  # the search was stopped: larger batches may fit, too
    micro_batch: int = 0  # the batch as the fewest equal micro-steps that stay resident; 0: not searched, or none
    micro_steps: int = 0  # the batch as the fewest equal micro-steps that stay resident; 0: not searched, or none
    micro_step_time_us: float = 0.0  # of all micro-steps together
    own: FitBatch | None = None  # the problem's batch
    largest_resident: FitBatch | None = None  # of a network only
    largest_planned: FitBatch | None = None  # of a network only
    budget_bytes: int = 0
    step_peak_bytes: int = 0
    persistent_bytes: int = 0
    transient_bytes: int = 0  # at the step's peak
    workspace_bytes: int = 0  # at the step's peak
    answer: str = ""  # in words: yes or no, and why
    limit: str = ""  # the reason against a larger batch, or against this one; "": there is none
    at_every_batch: str = ""  # the reason that no batch removes; "": there is none
    gradient_bytes: int = 0  # the part of transient_bytes that is gradients
    resident_size: int = 0  # the largest batch, sequence or image, all resident and with a plan; 0: none
    planned_size: int = 0  # the largest batch, sequence or image, all resident and with a plan; 0: none
    is_largest: bool = False  # no larger size than planned_size has a plan: bounds prove it
    accumulation: FitWay | None = None  # the batch as passes of one plan
    fastest: FitWay | None = None  # most samples a second of all that was tried


@dataclass(frozen=True, slots=True)
class Item:
    """struct layrub_item"""

    lower: int = 0  # alive in [lower, upper), lower < upper; any whole numbers
    upper: int = 0  # alive in [lower, upper), lower < upper; any whole numbers
    bytes: int = 0  # at least 1
    alignment: int = 0  # of its offset; 0 or 1: none
    fixed: bool = False  # true: it lies at offset_bytes
    offset_bytes: int = 0  # 0 unless fixed


@dataclass(frozen=True, slots=True)
class PlaceOptions:
    """struct layrub_place_options"""

    placement: str | None = None  # default: auto
    capacity_bytes: int = 0  # stop as soon as the items fit into so much; 0: look for the smallest arena
    time_limit_s: float = 0.0  # seconds for the search; 0: a fixed amount of search, the same in every run
    threads: int = 0  # 0: as OpenMP decides


@dataclass(frozen=True, slots=True)
class PlaceResult:
    """struct layrub_place_result"""

    arena_bytes: int = 0  # the highest end of an item
    bound_bytes: int = 0  # no arena is smaller
    status: PlaceStatus = PlaceStatus.OPTIMAL  # enum layrub_place_status


layrub_error.record = Error
layrub_names.record = Names
layrub_tensor.record = Tensor
layrub_inplace.record = Inplace
layrub_alternative.record = Alternative
layrub_op.record = Op
layrub_graph.record = Graph
layrub_curve_point.record = CurvePoint
layrub_link.record = Link
layrub_kernel.record = Kernel
layrub_conv_rule.record = ConvRule
layrub_device.record = Device
layrub_problem_options.record = ProblemOptions
layrub_needs.record = Needs
layrub_plan_options.record = PlanOptions
layrub_buffer.record = Buffer
layrub_place.record = Place
layrub_instruction.record = Instruction
layrub_program.record = Program
layrub_figures.record = Figures
layrub_change.record = Change
layrub_span.record = Span
layrub_stall.record = Stall
layrub_timeline.record = Timeline
layrub_fit_options.record = FitOptions
layrub_fit_batch.record = FitBatch
layrub_fit_way.record = FitWay
layrub_fit_result.record = FitResult
layrub_item.record = Item
layrub_place_options.record = PlaceOptions
layrub_place_result.record = PlaceResult


class Function(NamedTuple):
    """A function of C."""

    name: str
    result: Any
    arguments: tuple[tuple[str, Any], ...]
    doc: str


FUNCTIONS = (
    Function("layrub_version", ctypes.c_char_p, (
    ), "\"1.0.0\""),
    Function("layrub_error_line", ctypes.c_char_p, (
        ("error", ctypes.POINTER(layrub_error)),
        ("buffer", ctypes.POINTER(ctypes.c_char)),
        ("size", ctypes.c_size_t),
    ), "Writes \"source: path: text\" as one line into buffer, shortened to size and ended by NUL.  Returns buffer."),
    Function("layrub_row", ctypes.c_char_p, (
        ("table", ctypes.c_uint),
        ("i", ctypes.c_uint),
        ("summary", ctypes.POINTER(ctypes.c_char_p)),
    ), (
        "Returns the name of row i of a table; NULL: the table has no row i.  Sets *summary to the row's meaning, unless "
        "summary is NULL. Row 0 is the default."
    )),
    Function("layrub_names_find", ctypes.POINTER(layrub_names), (
        ("shelf", ctypes.c_uint),
        ("error", ctypes.POINTER(layrub_error)),
    ), "NULL: error"),
    Function("layrub_names_free", None, (
        ("names", ctypes.POINTER(layrub_names)),
    ), "NULL: does nothing"),
    Function("layrub_problem_open", ctypes.POINTER(layrub_problem), (
        ("name", ctypes.c_char_p),
        ("options", ctypes.POINTER(layrub_problem_options)),
        ("error", ctypes.POINTER(layrub_error)),
    ), "Opens the document in a file, or the installed document of that name; \"-\" is standard input.  NULL: error."),
    Function("layrub_problem_parse", ctypes.POINTER(layrub_problem), (
        ("text", ctypes.c_char_p),
        ("size", ctypes.c_size_t),
        ("options", ctypes.POINTER(layrub_problem_options)),
        ("error", ctypes.POINTER(layrub_error)),
    ), "Opens a document in memory."),
    Function("layrub_problem_build", ctypes.POINTER(layrub_problem), (
        ("graph", ctypes.POINTER(layrub_graph)),
        ("options", ctypes.POINTER(layrub_problem_options)),
        ("error", ctypes.POINTER(layrub_error)),
    ), (
        "Makes the problem from a graph in memory.  A value out of range is LAYRUB_BAD_INPUT, with its path: "
        "\"ops[3].inputs[0]\"."
    )),
    Function("layrub_problem_free", None, (
        ("problem", ctypes.POINTER(layrub_problem)),
    ), "NULL: does nothing"),
    Function("layrub_problem_graph", ctypes.POINTER(layrub_graph), (
        ("problem", ctypes.POINTER(layrub_problem)),
    ), ""),
    Function("layrub_problem_device", ctypes.POINTER(layrub_device), (
        ("problem", ctypes.POINTER(layrub_problem)),
    ), "with the options' changes"),
    Function("layrub_problem_needs", ctypes.POINTER(layrub_needs), (
        ("problem", ctypes.POINTER(layrub_problem)),
    ), ""),
    Function("layrub_plan_make", ctypes.POINTER(layrub_plan), (
        ("problem", ctypes.POINTER(layrub_problem)),
        ("options", ctypes.POINTER(layrub_plan_options)),
        ("error", ctypes.POINTER(layrub_error)),
    ), (
        "Plans, checks and simulates.  NULL: error.  LAYRUB_INFEASIBLE: no plan fits; if one op alone exceeds the budget, the "
        "error has the op and its tensors."
    )),
    Function("layrub_plan_read", ctypes.POINTER(layrub_plan), (
        ("path", ctypes.c_char_p),
        ("error", ctypes.POINTER(layrub_error)),
    ), "Reads a plan, sound or not, from a file or from memory.  NULL: error."),
    Function("layrub_plan_parse", ctypes.POINTER(layrub_plan), (
        ("text", ctypes.c_char_p),
        ("size", ctypes.c_size_t),
        ("error", ctypes.POINTER(layrub_error)),
    ), ""),
    Function("layrub_plan_write", ctypes.c_int, (
        ("plan", ctypes.POINTER(layrub_plan)),
        ("path", ctypes.c_char_p),
        ("error", ctypes.POINTER(layrub_error)),
    ), (
        "Writes the whole file or none: an older file of that name stays until the new one is complete.  \"-\" is standard "
        "output."
    )),
    Function("layrub_plan_text", ctypes.POINTER(ctypes.c_char), (
        ("plan", ctypes.POINTER(layrub_plan)),
        ("size", ctypes.POINTER(ctypes.c_size_t)),
        ("error", ctypes.POINTER(layrub_error)),
    ), "Returns the document's text, ended by NUL, for the caller to free().  NULL: error."),
    Function("layrub_plan_free", None, (
        ("plan", ctypes.POINTER(layrub_plan)),
    ), "NULL: does nothing"),
    Function("layrub_plan_check", ctypes.c_int, (
        ("plan", ctypes.POINTER(layrub_plan)),
        ("problem", ctypes.POINTER(layrub_problem)),
        ("error", ctypes.POINTER(layrub_error)),
    ), (
        "Returns 0 if the plan is sound for any timing and, unless problem is NULL, made for that problem's graph.  "
        "LAYRUB_UNSOUND: the error names the place of the fault.  The plan keeps the answer, so a second call returns at once."
    )),
    Function("layrub_plan_check_homes", ctypes.c_int, (
        ("plan", ctypes.POINTER(layrub_plan)),
        ("homes", ctypes.POINTER(layrub_plan)),
        ("error", ctypes.POINTER(layrub_error)),
    ), (
        "Returns 0 if both plans are sound and serve one set of persistent tensors: their steps may follow each other in any "
        "order, in one arena and one pool.  LAYRUB_UNSOUND: they do not, and the error names the place in `plan`.  "
        "LAYRUB_BAD_INPUT: a tensor has another size or kind."
    )),
    Function("layrub_plan_graph", ctypes.POINTER(layrub_graph), (
        ("plan", ctypes.POINTER(layrub_plan)),
    ), ""),
    Function("layrub_plan_device", ctypes.POINTER(layrub_device), (
        ("plan", ctypes.POINTER(layrub_plan)),
    ), ""),
    Function("layrub_plan_program", ctypes.POINTER(layrub_program), (
        ("plan", ctypes.POINTER(layrub_plan)),
    ), ""),
    Function("layrub_plan_figures", ctypes.c_int, (
        ("plan", ctypes.POINTER(layrub_plan)),
        ("figures", ctypes.POINTER(layrub_figures)),
        ("error", ctypes.POINTER(layrub_error)),
    ), "The figures that the plan states.  The one error is a size of 0."),
    Function("layrub_plan_simulate", ctypes.c_int, (
        ("plan", ctypes.POINTER(layrub_plan)),
        ("change", ctypes.POINTER(layrub_change)),
        ("figures", ctypes.POINTER(layrub_figures)),
        ("timeline", ctypes.POINTER(ctypes.POINTER(layrub_timeline))),
        ("error", ctypes.POINTER(layrub_error)),
    ), (
        "Simulates one step.  change NULL: on the plan's own device.  figures NULL, timeline NULL: not wanted; *timeline is the"
        " caller's to free. LAYRUB_UNSOUND: the plan is not sound.  LAYRUB_INFEASIBLE: it does not fit on the changed device."
    )),
    Function("layrub_timeline_free", None, (
        ("timeline", ctypes.POINTER(layrub_timeline)),
    ), "NULL: does nothing"),
    Function("layrub_fit", ctypes.c_int, (
        ("problem", ctypes.POINTER(layrub_problem)),
        ("options", ctypes.POINTER(layrub_fit_options)),
        ("result", ctypes.POINTER(layrub_fit_result)),
        ("error", ctypes.POINTER(layrub_error)),
    ), "Fills *result; returns 0 for yes and for no.  LAYRUB_SYSTEM: also a stop before the answer is known."),
    Function("layrub_place", ctypes.c_int, (
        ("items", ctypes.POINTER(layrub_item)),
        ("count", ctypes.c_uint32),
        ("options", ctypes.POINTER(layrub_place_options)),
        ("offsets", ctypes.POINTER(ctypes.c_uint64)),
        ("result", ctypes.POINTER(layrub_place_result)),
        ("error", ctypes.POINTER(layrub_error)),
    ), (
        "Fills the caller's offsets[count] and *result, so that no two items alive at once share a byte.  LAYRUB_BAD_INPUT: the"
        " path is that of the value (\"items[3].upper\").  LAYRUB_INFEASIBLE: this placement does not handle this list."
    )),
)


def bind(library: ctypes.CDLL) -> frozenset[str]:
    """Gives every function its types.  Returns the names of the functions that the library lacks."""
    missing = set()
    for f in FUNCTIONS:
        try:
            function = getattr(library, f.name)
        except AttributeError:
            missing.add(f.name)
            continue
        function.restype = f.result
        function.argtypes = [ctype for _, ctype in f.arguments]
        function.__doc__ = f.doc
    return frozenset(missing)
