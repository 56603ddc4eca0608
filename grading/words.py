"""The words that ordinary code is made of, and those that lead out of it: for grading.flags."""
# ruff: noqa: SIM905 (lists of words read best as words)

from __future__ import annotations

MODULES = frozenset(
    "abc bisect cmath collections copy dataclasses decimal enum fractions functools heapq "
    "itertools json logging math matplotlib numbers numpy operator pprint random re scipy "
    "seaborn sklearn statistics textwrap time torch tqdm typing typing_extensions warnings "
    "__future__ mpl_toolkits ipywidgets datetime helpers".split()
)
# Of the big packages the parts that exercises have a use for; helpers is the course's own.
PARTS = frozenset(
    "collections.abc matplotlib.pyplot numpy.linalg numpy.random numpy.polynomial numpy.testing "
    "numpy.typing numpy.fft scipy.optimize scipy.special scipy.integrate scipy.stats scipy.linalg "
    "scipy.interpolate torch.nn torch.nn.functional torch.nn.init torch.nn.utils torch.optim "
    "torch.linalg torch.autograd torch.special torch.fft torch.distributions torch.func "
    "torch.utils.data sklearn.datasets sklearn.metrics sklearn.model_selection tqdm.auto "
    "tqdm.notebook IPython.display".split()
)
NAMES = frozenset(
    "eval exec compile open getattr globals locals vars setattr delattr breakpoint "
    "memoryview exit quit get_ipython attrgetter methodcaller get_type_hints ForwardRef "
    "Formatter".split()
)
# Names of attributes (and names imported from a module) that lead out of ordinary code.
ATTRIBUTES = frozenset(
    "sys os builtins modules inspect ctypes ctypeslib subprocess importlib types gc socket "
    "threading pickle shutil pathlib tempfile weakref linecache platform multiprocessing "
    "faulthandler f_back f_globals f_locals f_builtins f_code gi_frame cr_frame tb_frame "
    "func_globals settrace setprofile excepthook displayhook meta_path path_hooks get_ipython "
    "ast_transformers load save savez savez_compressed loadtxt savetxt genfromtxt fromfile tofile "
    "from_file memmap as_strided data_ptr f2py cpp_extension hub ops classes jit library "
    "distributed LowLevelCallable make_dataclass get_type_hints ForwardRef Formatter benchmark "
    "collect_env fx DataSource fromregex imread imsave read_csv read_pickle read_table query "
    "load_files vformat __globals__ TorchFunctionMode TorchDispatchMode overrides "
    "attrgetter methodcaller system popen getframe set_default_tensor_type untyped_storage "
    "storage from_dlpack frombuffer measure runstring rundocs decorate_methods extbuild "
    "run_threaded check_support_sve temppath tempdir singledispatch singledispatchmethod "
    "update_wrapper ABCMeta EnumMeta EnumType global_enum bltns copyreg "
    "evaluate_forward_ref".split()
)
METHODS = frozenset(
    "__init__ __call__ __len__ __getitem__ __iter__ __next__ __repr__ __str__ __post_init__ "
    "__enter__ __exit__ __add__ __mul__ __neg__ __contains__".split()
)
DUNDERS = METHODS | frozenset({"__name__", "__doc__", "__version__"})
SHADOWED = frozenset(
    "abs all any isinstance issubclass round float int bool len type str repr tuple complex "
    "AssertionError Exception BaseException ValueError NameError super object".split()
)
USUAL = frozenset("np torch plt math helpers nn F theory scipy".split())
PLAIN_TARGETS = frozenset("grad data requires_grad weight bias training".split())
SYS = frozenset("float_info int_info maxsize version version_info getsizeof stdout stderr".split())
