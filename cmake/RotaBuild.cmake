# Runs cargo and stages what it built under the names that programs know: cargo's file is called
# librota_ffi.so, its SONAME librota.so.0, and a program linked against the first would look for the
# second at run time. Defines Rota::rota and Rota::static on the staged files.
#
# Staged release files are stripped: the library and the tool of all symbols but the exported ones,
# the archive of what only a debugger reads, which is most of it.

set(rota_config "$<IF:$<CONFIG:Debug>,debug,release>")
set(rota_built "${ROTA_CARGO_TARGET_DIR}/${rota_config}")
set(rota_stage "${CMAKE_CURRENT_BINARY_DIR}/rota/${rota_config}")
set(rota_so librota.so)
set(rota_soname librota.so.${PROJECT_VERSION_MAJOR})
set(rota_so_full librota.so.${PROJECT_VERSION})

# Commands that end with the source and the destination.
set(rota_copy "${CMAKE_COMMAND};-E;copy")
set(rota_strip "${rota_copy}")
set(rota_strip_archive "${rota_copy}")
if(CMAKE_OBJCOPY)
  set(rota_strip "${CMAKE_OBJCOPY};--strip-unneeded")
  set(rota_strip_archive "${CMAKE_OBJCOPY};--strip-debug;--enable-deterministic-archives")
endif()
set(rota_strip "$<IF:$<CONFIG:Debug>,${rota_copy},${rota_strip}>")
set(rota_strip_archive "$<IF:$<CONFIG:Debug>,${rota_copy},${rota_strip_archive}>")

# Always runs: cargo knows best what is out of date. Its job server is its own, since make hands its
# own one only to recursive makes. What didn't change keeps its time, so that nothing is linked anew.
add_custom_target(
  rota_build ALL
  COMMAND ${CMAKE_COMMAND} -E env --unset=MAKEFLAGS --unset=MFLAGS --unset=MAKELEVEL
          ${ROTA_CARGO} build --package rota-ffi --package rota-cli
          "$<IF:$<CONFIG:Debug>,--profile=dev,--release>" --target-dir "${ROTA_CARGO_TARGET_DIR}"
  COMMAND ${CMAKE_COMMAND} -E make_directory "${rota_stage}/new"
  COMMAND "${rota_strip}" "${rota_built}/librota_ffi.so" "${rota_stage}/new/${rota_so_full}"
  COMMAND "${rota_strip_archive}" "${rota_built}/librota_ffi.a" "${rota_stage}/new/librota.a"
  COMMAND "${rota_strip}" "${rota_built}/rota" "${rota_stage}/new/rota"
  COMMAND ${CMAKE_COMMAND} -E copy_if_different "${rota_stage}/new/${rota_so_full}" "${rota_stage}/new/librota.a"
          "${rota_stage}/new/rota" "${rota_stage}"
  COMMAND ${CMAKE_COMMAND} -E rm -rf "${rota_stage}/new"
  COMMAND ${CMAKE_COMMAND} -E create_symlink ${rota_so_full} "${rota_stage}/${rota_soname}"
  COMMAND ${CMAKE_COMMAND} -E create_symlink ${rota_soname} "${rota_stage}/${rota_so}"
  BYPRODUCTS "${rota_stage}/${rota_so_full}" "${rota_stage}/librota.a" "${rota_stage}/rota"
  WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}"
  COMMENT "cargo build: librota and the tool"
  COMMAND_EXPAND_LISTS USES_TERMINAL VERBATIM)

set(rota_release_dir "${CMAKE_CURRENT_BINARY_DIR}/rota/release")
set(rota_debug_dir "${CMAKE_CURRENT_BINARY_DIR}/rota/debug")
add_library(Rota::rota SHARED IMPORTED GLOBAL)
set_target_properties(
  Rota::rota
  PROPERTIES IMPORTED_LOCATION "${rota_release_dir}/${rota_so_full}"
             IMPORTED_LOCATION_DEBUG "${rota_debug_dir}/${rota_so_full}"
             IMPORTED_SONAME ${rota_soname}
             INTERFACE_INCLUDE_DIRECTORIES "${rota_include_dirs}")
add_library(Rota::static STATIC IMPORTED GLOBAL)
set_target_properties(
  Rota::static
  PROPERTIES IMPORTED_LOCATION "${rota_release_dir}/librota.a"
             IMPORTED_LOCATION_DEBUG "${rota_debug_dir}/librota.a"
             INTERFACE_LINK_LIBRARIES "${rota_static_libs}"
             INTERFACE_INCLUDE_DIRECTORIES "${rota_include_dirs}")
add_dependencies(Rota::rota rota_build)
add_dependencies(Rota::static rota_build)
