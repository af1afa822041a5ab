# What CPack is told: a tarball of everything (TGZ), and Debian packages (DEB), cut as Debian users
# expect: librota0 to run programs, librota-dev to build them, rota-tools for the tool `rota`.
# scripts/package.sh makes both; a tarball and a .deb want different folders, so each has its own
# configuration.

set(CPACK_PACKAGE_NAME rota)
set(CPACK_PACKAGE_VENDOR "The Rota authors")
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_HOMEPAGE_URL "https://github.com/rota-compute/rota")
set(ROTA_PACKAGE_CONTACT "The Rota authors <rota-compute@users.noreply.github.com>"
    CACHE STRING "Whom the packages name as their maintainer")
set(CPACK_PACKAGE_CONTACT "${ROTA_PACKAGE_CONTACT}")
set(CPACK_GENERATOR TGZ CACHE STRING "TGZ, DEB or both")
set(CPACK_PACKAGE_FILE_NAME "rota-${PROJECT_VERSION}-${CMAKE_SYSTEM_NAME}-${CMAKE_SYSTEM_PROCESSOR}")
string(TOLOWER "${CPACK_PACKAGE_FILE_NAME}" CPACK_PACKAGE_FILE_NAME)
# Not the umask of who packs.
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
                                                WORLD_READ WORLD_EXECUTE)

# Licences are a component of the tarball only: on Debian each package has its copyright file.
set(CPACK_COMPONENTS_ALL runtime development tools)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_ARCHIVE_COMPONENT_INSTALL OFF)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_PRE_BUILD_SCRIPTS "${CMAKE_CURRENT_SOURCE_DIR}/cmake/debian/texts.cmake")
set(CPACK_POST_BUILD_SCRIPTS "${CMAKE_CURRENT_SOURCE_DIR}/cmake/debian/triggers.cmake")

# The loader and its drivers are opened at run time, so a program starts without them and is told.
set(rota_drivers "libvulkan1, mesa-vulkan-drivers | vulkan-icd")
string(CONCAT rota_about
    "Rota keeps one Vulkan compute kernel resident on a device, and programs hand it\n"
    "small jobs through rings in shared memory: no queue submit, no fence, no system\n"
    "call for a job. It runs on GPUs and, with lavapipe of Mesa, on any CPU.\n"
    ".\n")
set(rota_summary "small GPU jobs through one resident Vulkan compute kernel")

set(rota_deb librota${PROJECT_VERSION_MAJOR})
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME ${rota_deb})
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_RECOMMENDS "${rota_drivers}")
# For the packages of programs that use it: this version or a later one.
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_RUNTIME_DESCRIPTION "${rota_summary}\n${rota_about}This package has the shared library.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME librota-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
    "${rota_deb} (= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}), libc6-dev")
string(CONCAT CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION "${rota_summary} (headers)\n${rota_about}"
    "This package has the headers for C and C++, the static library, the files for\n"
    "CMake and pkg-config, and the documents.")

set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME rota-tools)
set(CPACK_DEBIAN_TOOLS_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_TOOLS_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_TOOLS_PACKAGE_RECOMMENDS "${rota_drivers}")
string(CONCAT CPACK_DEBIAN_TOOLS_DESCRIPTION "${rota_summary} (tool)\n${rota_about}"
    "This package has the tool rota: which devices and drivers there are, what they\n"
    "can do, how fast they are, and what is missing.")

include(CPack)
