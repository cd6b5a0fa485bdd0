# Where things go: `cmake --install BUILD [--prefix DIR]`, DESTDIR is honoured. What belongs to
# one program is installed beside its target; here is what they share. Whatever one installed
# file knows of another is a path from itself, so that the tree may be moved.
include(GNUInstallDirs)

# Components, packages of their own for Debian: the library `lib`, what a compiler needs of it
# `dev`, everything else this.
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME leat)

# leat_path_between(FROM TO OUT): from one installed folder to another, without the prefix.
function(leat_path_between from to out)
  file(RELATIVE_PATH path ${CMAKE_INSTALL_FULL_${from}} ${CMAKE_INSTALL_FULL_${to}})
  set(${out} "${path}" PARENT_SCOPE)
endfunction()

# The programs that `leat` becomes, where nobody types their names.
set(LEAT_INSTALL_PROGRAMS ${CMAKE_INSTALL_LIBEXECDIR}/leat)
leat_path_between(BINDIR LIBEXECDIR libexec)
set(LEAT_PROGRAMS_FROM_BIN ${libexec}/leat)

install(FILES README.md LICENSE broker-schema/PROTOCOL.md broker-schema/job.schema.json
        DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs
        FILES_MATCHING PATTERN "*.md" PATTERN "*.png" PATTERN "man" EXCLUDE)
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR})
# The pages link to broker-schema/PROTOCOL.md, as it lies in the source.
install(CODE "
  set(link \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DOCDIR}/broker-schema\")
  file(CREATE_LINK . \"\$ENV{DESTDIR}\${link}\" SYMBOLIC)
  list(APPEND CMAKE_INSTALL_MANIFEST_FILES \"\${link}\")")
