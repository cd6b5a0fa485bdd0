# find_package(leat) gives the target leat::leat.
include("${CMAKE_CURRENT_LIST_DIR}/leatTargets.cmake")
