# Installs what RotaBuild.cmake staged, and the texts. No installed file names the prefix: rota.pc
# finds it from its own place (pcfiledir), RotaConfig.cmake likewise, and the library and tool need none.
#
# Components, which RotaPackage.cmake makes packages of: runtime (what a program needs to run),
# development, tools, and licences.

# A shared library can be executed on most systems, and must not be on Debian.
set(rota_so_permissions OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
if(NOT CMAKE_INSTALL_SO_NO_EXE)
  list(APPEND rota_so_permissions OWNER_EXECUTE GROUP_EXECUTE WORLD_EXECUTE)
endif()
install(FILES "${rota_stage}/${rota_so_full}" "${rota_stage}/${rota_soname}" DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        PERMISSIONS ${rota_so_permissions} COMPONENT runtime)
install(FILES "${rota_stage}/${rota_so}" "${rota_stage}/librota.a" DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        COMPONENT development)
foreach(dir ${rota_include_dirs})
  install(DIRECTORY "${dir}/rota" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development
          FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
endforeach()
install(PROGRAMS "${rota_stage}/rota" DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT tools)

# The version stands in the man pages' footers.
configure_file(docs/man/rota.1.in rota.1 @ONLY)
configure_file(docs/man/librota.3.in librota.3 @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/rota.1" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" COMPONENT tools)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/librota.3" DESTINATION "${CMAKE_INSTALL_MANDIR}/man3"
        COMPONENT development)

# The documents lie as they do in the source tree, since they link to each other.
install(FILES README.md DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT development)
install(FILES bindings/cpp/README.md DESTINATION "${CMAKE_INSTALL_DOCDIR}/bindings/cpp" COMPONENT development)
install(DIRECTORY docs DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT development
        FILES_MATCHING PATTERN "*.md" PATTERN man EXCLUDE)
install(FILES CHANGELOG.md DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT development OPTIONAL)
install(FILES LICENSE-MIT LICENSE-APACHE DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT licences)

set(rota_cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/Rota")
configure_package_config_file(
  cmake/RotaConfig.cmake.in RotaConfig.cmake
  INSTALL_DESTINATION "${rota_cmake_dir}"
  PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR
  NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# From 1.0 on, versions within one major are exchangeable; before, within one minor.
set(rota_compatibility SameMajorVersion)
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(rota_compatibility SameMinorVersion)
endif()
write_basic_package_version_file(RotaConfigVersion.cmake COMPATIBILITY ${rota_compatibility})
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/RotaConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/RotaConfigVersion.cmake"
        DESTINATION "${rota_cmake_dir}" COMPONENT development)

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
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/rota.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig"
        COMPONENT development)
