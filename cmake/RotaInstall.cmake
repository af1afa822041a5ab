# Installs what RotaBuild.cmake staged. No installed file names the prefix: rota.pc finds it from its
# own place (pcfiledir), RotaConfig.cmake likewise, and the library and tool need none.

# A program that adds this as a subdirectory installs it only if it says so.
option(ROTA_INSTALL "Install Rota with this project" ${PROJECT_IS_TOP_LEVEL})
if(NOT ROTA_INSTALL)
  return()
endif()

install(PROGRAMS "${rota_stage}/${rota_so_full}" DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(FILES "${rota_stage}/${rota_soname}" "${rota_stage}/${rota_so}" "${rota_stage}/librota.a"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(PROGRAMS "${rota_stage}/rota" DESTINATION "${CMAKE_INSTALL_BINDIR}")
install(DIRECTORY include/rota DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")
install(FILES LICENSE-MIT LICENSE-APACHE DESTINATION "${CMAKE_INSTALL_DOCDIR}")

set(rota_cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/Rota")
configure_package_config_file(
  cmake/RotaConfig.cmake.in RotaConfig.cmake
  INSTALL_DESTINATION "${rota_cmake_dir}"
  PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR
  NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# The SONAME carries the major version, so versions within one major are exchangeable.
write_basic_package_version_file(RotaConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/RotaConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/RotaConfigVersion.cmake"
        DESTINATION "${rota_cmake_dir}")

# From lib/pkgconfig back to the prefix; directories outside of the prefix stay as they were given.
foreach(dir LIBDIR INCLUDEDIR)
  set(rota_pc_${dir} "\${prefix}/${CMAKE_INSTALL_${dir}}")
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${dir}}")
    set(rota_pc_${dir} "${CMAKE_INSTALL_${dir}}")
  endif()
endforeach()
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(rota_pc_prefix "${CMAKE_INSTALL_PREFIX}")
else()
  file(RELATIVE_PATH rota_pc_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
  string(REGEX REPLACE "/$" "" rota_pc_prefix "\${pcfiledir}/${rota_pc_prefix}")
endif()
list(TRANSFORM rota_static_libs PREPEND "-l" OUTPUT_VARIABLE rota_pc_static_libs)
list(JOIN rota_pc_static_libs " " rota_pc_static_libs)
configure_file(cmake/rota.pc.in rota.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/rota.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
