# Run by CPack when the files of each Debian package lie in their folder: adds what Debian's policy
# wants of a package, which an ordinary installation doesn't have. Copyright and changelogs, and man
# pages compressed. There the changes have a name of their own.
if(NOT CPACK_GENERATOR STREQUAL "DEB")
  return()
endif()

# The date of the changelog; SOURCE_DATE_EPOCH sets it for builds that are to be the same again.
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)

foreach(component ${CPACK_COMPONENTS_ALL})
  string(TOUPPER "${component}" upper)
  set(package "${CPACK_DEBIAN_${upper}_PACKAGE_NAME}")
  set(root "${CPACK_TEMPORARY_DIRECTORY}/${component}")
  set(doc "${root}/usr/share/doc/${package}")
  file(MAKE_DIRECTORY "${doc}")
  configure_file("${CMAKE_CURRENT_LIST_DIR}/copyright" "${doc}/copyright" COPYONLY)
  configure_file("${CMAKE_CURRENT_LIST_DIR}/changelog.in" "${doc}/changelog.Debian" @ONLY)
  set(texts "${doc}/changelog.Debian")
  if(EXISTS "${doc}/CHANGELOG.md")
    file(RENAME "${doc}/CHANGELOG.md" "${doc}/changelog")
    list(APPEND texts "${doc}/changelog")
  endif()
  file(GLOB pages "${root}/usr/share/man/man*/*.[1-9]")
  # -n: no time of the file, so that the package doesn't depend on it.
  execute_process(COMMAND gzip -9 -n ${texts} ${pages} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
