# Run by cmake --install, since only then it is known for good where the program lies that the
# units name. `bindir` is its folder below the prefix.
file(READ ${CMAKE_CURRENT_LIST_DIR}/hardening hardening)
foreach(unit leat-worker@.service leat-dashboard.service)
  set(path ${CMAKE_INSTALL_PREFIX}/lib/systemd/system/${unit})
  message(STATUS "Installing: $ENV{DESTDIR}${path}")
  configure_file(${CMAKE_CURRENT_LIST_DIR}/${unit}.in $ENV{DESTDIR}${path} @ONLY NO_SOURCE_PERMISSIONS)
  list(APPEND CMAKE_INSTALL_MANIFEST_FILES ${path})
endforeach()
