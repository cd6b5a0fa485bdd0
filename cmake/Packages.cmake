# Third-party libraries, each as one imported target. A missing one names Debian's package.
function(leat_find target module package)
  pkg_check_modules(${target} QUIET IMPORTED_TARGET ${module})
  if(NOT ${target}_FOUND)
    message(FATAL_ERROR "${module} not found: apt-get install ${package} (all of them: see the file 'packages')")
  endif()
  add_library(leat_${target} INTERFACE)
  target_link_libraries(leat_${target} INTERFACE PkgConfig::${target})
endfunction()

leat_find(hiredis hiredis libhiredis-dev)
leat_find(jansson jansson libjansson-dev)
leat_find(curl libcurl libcurl4-openssl-dev)
leat_find(microhttpd libmicrohttpd libmicrohttpd-dev)
if(LEAT_TESTS)
  leat_find(check check check)
endif()

# libev ships no pkg-config file.
find_path(LEAT_EV_INCLUDE ev.h REQUIRED)
find_library(LEAT_EV_LIBRARY ev REQUIRED)
add_library(leat_ev INTERFACE)
target_include_directories(leat_ev SYSTEM INTERFACE ${LEAT_EV_INCLUDE})
target_link_libraries(leat_ev INTERFACE ${LEAT_EV_LIBRARY})
