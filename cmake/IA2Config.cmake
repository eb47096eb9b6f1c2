# find_package(IA2): splits programs into compartments.
#
#   ia2_compartmentalize(TARGET POLICY compartments.toml
#       [LIBRARIES lib...] [COMPILE_OPTIONS opt...] [LINK_OPTIONS opt...] [PERMISSIVE] [DEBUG] [INSTALL [DESTINATION dir]])
#
# (PERMISSIVE: nothing is enforced; the target is then TARGET-ia2-permissive, in TARGET.ia2-permissive/.)
# makes, as part of `all`, the target TARGET-ia2: the program and its libraries in the folder TARGET.ia2/ beside the plain one
# (its property IA2_PROGRAM is the program's path). With IA2_ENABLED off it does nothing, and IA2_PROGRAM of TARGET-ia2
# is the plain program. IA2::runtime is the library that programs with IA2's own annotations link. docs/cmake.md has it all.

cmake_minimum_required(VERSION 3.25)

get_filename_component(IA2_ROOT "${CMAKE_CURRENT_LIST_FILE}" REALPATH)
get_filename_component(IA2_ROOT "${IA2_ROOT}" DIRECTORY)
get_filename_component(IA2_ROOT "${IA2_ROOT}" DIRECTORY)
if(DEFINED ENV{IA2_BUILD})
  set(IA2_KIT_BUILD "$ENV{IA2_BUILD}")
else()
  set(IA2_KIT_BUILD "${IA2_ROOT}/build")
endif()

if(NOT EXISTS "${IA2_KIT_BUILD}/runtime/libia2.so")
  set(IA2_FOUND FALSE)
  set(IA2_NOT_FOUND_MESSAGE "the kit in ${IA2_ROOT} is not built: run ${IA2_ROOT}/scripts/setup")
  return()
endif()

option(IA2_ENABLED "Make compartmentalized programs" ON)
# The Makefile generators write the compile commands nowhere else.
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT TARGET IA2::runtime)
  add_library(IA2::runtime SHARED IMPORTED)
  set_target_properties(IA2::runtime PROPERTIES
    IMPORTED_LOCATION "${IA2_KIT_BUILD}/runtime/libia2.so"
    INTERFACE_INCLUDE_DIRECTORIES "${IA2_ROOT}/runtime/include")
endif()

# Stops with the name of the argument and the rule.
function(_ia2_refuse argument rule)
  message(FATAL_ERROR "ia2_compartmentalize: ${argument}: ${rule}")
endfunction()

function(_ia2_check_target target)
  if(NOT TARGET "${target}")
    _ia2_refuse("target" "there is no target '${target}'")
  endif()
  get_target_property(type "${target}" TYPE)
  if(NOT type STREQUAL "EXECUTABLE")
    _ia2_refuse("target" "'${target}' is not an executable")
  endif()
  if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux" OR NOT CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    _ia2_refuse("target" "compartments need x86_64 Linux; '${target}' is for ${CMAKE_SYSTEM_PROCESSOR} ${CMAKE_SYSTEM_NAME}")
  endif()
  get_target_property(lto "${target}" INTERPROCEDURAL_OPTIMIZATION)
  if(lto)
    _ia2_refuse("target" "'${target}' has INTERPROCEDURAL_OPTIMIZATION, which leaves no machine code to keep; turn it off")
  endif()
  if(NOT CMAKE_GENERATOR MATCHES "^(Ninja|Ninja Multi-Config|Unix Makefiles)$")
    _ia2_refuse("target" "the generator '${CMAKE_GENERATOR}' is not supported; use Ninja, Ninja Multi-Config or Unix Makefiles")
  endif()
  get_target_property(exported "${target}" EXPORT_COMPILE_COMMANDS)
  if(CMAKE_GENERATOR MATCHES "Makefiles" AND NOT exported)
    _ia2_refuse("target" "'${target}' was made before find_package(IA2); find it first, so that CMake writes its compile commands")
  endif()
endfunction()

# The file name of the executable `target`.
function(_ia2_program_name target result)
  get_target_property(name "${target}" RUNTIME_OUTPUT_NAME)
  if(NOT name)
    get_target_property(name "${target}" OUTPUT_NAME)
  endif()
  if(NOT name)
    set(name "${target}")
  endif()
  get_target_property(suffix "${target}" SUFFIX)
  if(NOT suffix)
    set(suffix "${CMAKE_EXECUTABLE_SUFFIX}")
  endif()
  set("${result}" "${name}${suffix}" PARENT_SCOPE)
endfunction()

# The names of the split program's files. The policy says which; when it changes, CMake asks again.
function(_ia2_outputs policy name kind result)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${policy}")
  string(REGEX MATCH "--permissive" permissive "${kind}")
  execute_process(
    COMMAND "${CMAKE_COMMAND}" -E env "PYTHONPATH=${IA2_ROOT}/kit" "IA2_BUILD=${IA2_KIT_BUILD}"
      /usr/bin/python3 -B -m ia2.policy.outputs "${policy}" "${name}" ${permissive}
    OUTPUT_VARIABLE names OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_VARIABLE errors RESULT_VARIABLE status)
  if(status)
    string(REGEX REPLACE "^error: " "" errors "${errors}")
    _ia2_refuse("POLICY" "${errors}")
  endif()
  string(REPLACE "\n" ";" names "${names}")
  set("${result}" "${names}" PARENT_SCOPE)
endfunction()

function(ia2_compartmentalize target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "INSTALL;PERMISSIVE;DEBUG" "POLICY;DESTINATION" "LIBRARIES;COMPILE_OPTIONS;LINK_OPTIONS")
  if(DEFINED arg_UNPARSED_ARGUMENTS)
    _ia2_refuse("${arg_UNPARSED_ARGUMENTS}" "unknown argument; known: POLICY LIBRARIES COMPILE_OPTIONS LINK_OPTIONS PERMISSIVE DEBUG INSTALL DESTINATION")
  endif()
  if(NOT arg_POLICY)
    _ia2_refuse("POLICY" "is missing; give a compartments.toml")
  endif()
  if(arg_DESTINATION AND NOT arg_INSTALL)
    _ia2_refuse("DESTINATION" "needs INSTALL")
  endif()
  if(arg_PERMISSIVE AND arg_INSTALL)
    _ia2_refuse("PERMISSIVE" "nothing is enforced in a permissive program, so it is not installed; leave out INSTALL")
  endif()
  _ia2_check_target("${target}")
  cmake_path(ABSOLUTE_PATH arg_POLICY NORMALIZE)
  if(NOT EXISTS "${arg_POLICY}")
    _ia2_refuse("POLICY" "there is no file ${arg_POLICY}")
  endif()
  foreach(library IN LISTS arg_LIBRARIES)
    if(NOT TARGET "${library}")
      _ia2_refuse("LIBRARIES" "there is no target '${library}'")
    endif()
  endforeach()

  _ia2_program_name("${target}" name)
  # Nobody shall take the one for the other.
  set(suffix "ia2")
  set(kind "")
  if(arg_PERMISSIVE)
    set(suffix "ia2-permissive")
    list(APPEND kind "--permissive")
  endif()
  if(arg_DEBUG)
    list(APPEND kind "--debug")
  endif()
  # With several configurations in one build, each has a program, and a Ninja file that says how it is made.
  get_property(several GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
  set(configuration "")
  set(build "${CMAKE_BINARY_DIR}")
  if(several)
    set(configuration "$<CONFIG>/")
    set(build "${CMAKE_BINARY_DIR}/build-$<CONFIG>.ninja")
  endif()
  if(NOT IA2_ENABLED)
    add_custom_target("${target}-${suffix}" ALL DEPENDS "${target}")
    set_target_properties("${target}-${suffix}" PROPERTIES IA2_PROGRAM "${CMAKE_CURRENT_BINARY_DIR}/${configuration}${name}")
    if(arg_INSTALL)
      install(TARGETS "${target}")
    endif()
    return()
  endif()

  set(base "${CMAKE_CURRENT_BINARY_DIR}/${target}.${suffix}")
  cmake_path(APPEND base "${configuration}" OUTPUT_VARIABLE folder)
  string(REGEX REPLACE "/$" "" folder "${folder}")
  set(stamp "${folder}/${target}.stamp")
  set(libraries "")
  foreach(library IN LISTS arg_LIBRARIES)
    list(APPEND libraries "--library=$<TARGET_FILE:${library}>")
  endforeach()
  list(TRANSFORM arg_COMPILE_OPTIONS PREPEND "--cflag=")
  list(TRANSFORM arg_LINK_OPTIONS PREPEND "--ldflag=")
  _ia2_outputs("${arg_POLICY}" "${name}" "${kind}" names)
  list(TRANSFORM names PREPEND "${folder}/bin/" OUTPUT_VARIABLE published)
  add_custom_command(
    OUTPUT "${stamp}"
    BYPRODUCTS ${published}
    COMMAND "${IA2_ROOT}/scripts/rewrite.py" --quiet --policy "${arg_POLICY}" --kit-build "${IA2_KIT_BUILD}" --out "${folder}/work"
      --target "$<PATH:RELATIVE_PATH,$<TARGET_FILE:${target}>,${CMAKE_BINARY_DIR}>" --publish "${folder}/bin"
      --depfile "${folder}/${target}.d" --depfile-target "${stamp}" ${kind} ${arg_COMPILE_OPTIONS} ${arg_LINK_OPTIONS} ${libraries} "${build}"
    COMMAND "${CMAKE_COMMAND}" -E touch "${stamp}"
    DEPENDS "${target}" ${arg_LIBRARIES} "${arg_POLICY}"
    DEPFILE "${folder}/${target}.d"
    WORKING_DIRECTORY "${CMAKE_BINARY_DIR}"
    COMMENT "Splitting ${target} into compartments"
    VERBATIM)
  add_custom_target("${target}-${suffix}" ALL DEPENDS "${stamp}")
  if(CMAKE_GENERATOR MATCHES "Makefiles")
    list(JOIN names "," joined)
    add_custom_target("${target}-${suffix}-outputs"
      COMMAND "${CMAKE_COMMAND}" "-DSTAMP=${stamp}" "-DFOLDER=${folder}/bin" "-DNAMES=${joined}" -P "${IA2_ROOT}/cmake/IA2Outputs.cmake"
      VERBATIM)
    add_dependencies("${target}-${suffix}" "${target}-${suffix}-outputs")
  endif()
  set_target_properties("${target}-${suffix}" PROPERTIES IA2_PROGRAM "${folder}/bin/${name}")
  if(arg_INSTALL)
    _ia2_install("${target}" "${name}" "${base}" "${folder}/bin" "${arg_DESTINATION}")
  endif()
endfunction()

# The program stays beside its libraries; without a DESTINATION, bin/NAME.ia2 leads to it.
function(_ia2_install target name base folder destination)
  include(GNUInstallDirs)
  set(linked FALSE)
  if(NOT destination)
    set(destination "${CMAKE_INSTALL_LIBDIR}/${target}.ia2")
    set(linked TRUE)
  endif()
  install(DIRECTORY "${folder}/" DESTINATION "${destination}" USE_SOURCE_PERMISSIONS)
  if(linked)
    file(RELATIVE_PATH link "/${CMAKE_INSTALL_BINDIR}" "/${destination}/${name}")
    file(MAKE_DIRECTORY "${base}/link")
    file(CREATE_LINK "${link}" "${base}/link/${name}.ia2" SYMBOLIC)
    install(FILES "${base}/link/${name}.ia2" TYPE BIN)
  endif()
endfunction()
