# Run by CPack when the Debian packages are made. CPack gives a package with a shared library scripts
# that run ldconfig; Debian's policy wants a trigger instead, which dpkg runs once for many packages.
# Packs such a package anew, with the one in place of the other.
if(NOT CPACK_GENERATOR STREQUAL "DEB")
  return()
endif()

foreach(package ${CPACK_PACKAGE_FILES})
  set(tree "${CPACK_TEMPORARY_DIRECTORY}/unpacked")
  file(REMOVE_RECURSE "${tree}")
  execute_process(COMMAND dpkg-deb --raw-extract "${package}" "${tree}" COMMAND_ERROR_IS_FATAL ANY)
  if(EXISTS "${tree}/DEBIAN/postinst")
    file(REMOVE "${tree}/DEBIAN/postinst" "${tree}/DEBIAN/postrm")
    file(WRITE "${tree}/DEBIAN/triggers" "activate-noawait ldconfig\n")
    execute_process(COMMAND dpkg-deb --root-owner-group -Zxz --build "${tree}" "${package}"
                    OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
  endif()
  file(REMOVE_RECURSE "${tree}")
endforeach()
