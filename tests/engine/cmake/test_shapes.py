"""Whole projects through the CMake package, in the shapes of real builds, by gcc and clang, ld and
lld; run where keys are enforced."""

import os
import pathlib

from tests.support import shaped_projects as shaped
from tests.support import small_project as small

NEEDS_PKU = True
ALSO_NATIVE = True

TOP = "cmake_minimum_required(VERSION 3.25)\nproject(small C)\nfind_package(IA2 REQUIRED)\n"
SPLIT = "ia2_compartmentalize(counter POLICY compartments.toml)\n"
LIBRARY = """\
add_library(counter_lib lib/counter.c)
add_executable(counter tool/main.c)
target_include_directories(counter PRIVATE lib)
target_link_libraries(counter PRIVATE counter_lib)
"""
MANY = (
    """\
set(CMAKE_C_USE_RESPONSE_FILE_FOR_OBJECTS ON)
set(CMAKE_C_USE_RESPONSE_FILE_FOR_LIBRARIES ON)
set(CMAKE_C_USE_RESPONSE_FILE_FOR_INCLUDES ON)
add_library(counter_lib STATIC lib/counter.c)
foreach(part h c)
  add_custom_command(OUTPUT made.${part} COMMAND ${CMAKE_SOURCE_DIR}/tool/make.sh ${part} made.${part})
endforeach()
foreach(part once=1 tenfold=10)
  string(REPLACE "=" ";" part "${part}")
  list(GET part 0 name)
  list(GET part 1 factor)
  add_library(sum_${name} OBJECT tool/sum_tmpl.c)
  target_include_directories(sum_${name} PRIVATE lib)
  target_compile_definitions(sum_${name} PRIVATE NAME=sum_${name} FACTOR=${factor})
endforeach()
add_executable(counter tool/main.c made.c made.h $<TARGET_OBJECTS:sum_once> $<TARGET_OBJECTS:sum_tenfold>)
target_include_directories(counter PRIVATE lib tool ${CMAKE_CURRENT_BINARY_DIR})
target_compile_options(counter PRIVATE "SHELL:-include forced.h" @${CMAKE_SOURCE_DIR}/tool/flags.rsp -Wp,-DPAST_DRIVER)
if(CMAKE_C_COMPILER_ID STREQUAL GNU)
  target_compile_options(counter PRIVATE %s)
endif()
target_link_libraries(counter PRIVATE counter_lib)
"""  # noqa: E501
    % shaped.GCC_ONLY
)
PRECOMPILED = """\
add_library(counter_lib STATIC lib/counter.c)
add_executable(counter tool/main.c tool/two.c)
target_precompile_headers(counter PRIVATE tool/all.h)
target_link_libraries(counter PRIVATE counter_lib)
"""
UNITY = """\
set(CMAKE_UNITY_BUILD ON)
add_library(counter_lib STATIC lib/counter.c lib/more.c)
add_executable(counter tool/main.c tool/more.c)
target_include_directories(counter PRIVATE lib)
target_link_libraries(counter PRIVATE counter_lib)
"""
BASE = {
    "static": {"text": LIBRARY, "variants": shaped.ALL},
    "shared": {"text": LIBRARY, "variants": shaped.TWO, "options": ["-DBUILD_SHARED_LIBS=ON"]},
    "many": {
        "text": MANY,
        "files": shaped.MANY,
        "total": shaped.MANY_TOTAL,
        "variants": shaped.TWO,
    },
    "precompiled": {
        "text": PRECOMPILED,
        "files": shaped.PRECOMPILED,
        "total": shaped.PRECOMPILED_TOTAL,
        "variants": shaped.TWO,
    },
    "unity": {
        "text": UNITY,
        "files": shaped.UNITY,
        "total": shaped.UNITY_TOTAL,
        "variants": shaped.TWO,
    },
}
SHAPES = {shape: {**record, "generator": "Ninja"} for shape, record in BASE.items()} | {
    shape + "_makefiles": {**record, "generator": "Unix Makefiles", "variants": ("gcc",)}
    for shape, record in BASE.items()
}


def build_one(folder: pathlib.Path, shape: dict, compiler: str, linker: str) -> None:
    project = shaped.make(
        folder, CMakeLists___txt=TOP + shape["text"] + SPLIT, **shaped.named(shape.get("files", {}))
    )
    environment = {
        **os.environ,
        "IA2_BUILD": str(small.KIT_BUILD),
        "CC": compiler,
        "LDFLAGS": f"-fuse-ld={linker}",
    }
    small.run(
        "cmake",
        "-G",
        shape["generator"],
        "-S",
        project,
        "-B",
        project / "build",
        f"-DIA2_DIR={small.SOURCE}/cmake",
        *shape.get("options", ()),
        env=environment,
    )
    small.run("cmake", "--build", project / "build", "-j2")


def build(out: pathlib.Path):
    shaped.built(SHAPES, build_one, out)


class Shapes(shaped.Runs):
    program = "build/counter.ia2/bin/counter"


shaped.add_tests(Shapes, SHAPES)
