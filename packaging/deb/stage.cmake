# Run by cpack in what it is about to pack, a tree for each package: what Debian wants otherwise
# than others.
set(tree ${CPACK_TEMPORARY_INSTALL_DIRECTORY})

function(leat_gzip)
  execute_process(COMMAND gzip -9n ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# leat_papers(COMPONENT PACKAGE): every package says under which terms it comes, and since when.
function(leat_papers component package)
  set(doc ${tree}/${component}/usr/share/doc/${package})
  file(COPY ${CMAKE_CURRENT_LIST_DIR}/copyright ${CMAKE_CURRENT_LIST_DIR}/changelog DESTINATION ${doc})
  leat_gzip(${doc}/changelog)
  file(MAKE_DIRECTORY ${tree}/${component}/usr/share/lintian/overrides)
  configure_file(${CMAKE_CURRENT_LIST_DIR}/lintian-overrides
                 ${tree}/${component}/usr/share/lintian/overrides/${package} @ONLY)
endfunction()

leat_papers(leat leat)
leat_papers(lib libleat0)
leat_papers(dev libleat-dev)

set(root ${tree}/leat)
file(REMOVE ${root}/usr/share/doc/leat/LICENSE) # it stands in copyright
file(GLOB pages ${root}/usr/share/man/man*/*.[0-9])
leat_gzip(${pages})
file(RENAME ${root}/usr/share/zsh/site-functions ${root}/usr/share/zsh/vendor-completions)

file(MAKE_DIRECTORY ${root}/etc/leat)
file(RENAME ${root}/usr/share/doc/leat/examples/leat.conf ${root}/etc/leat/leat.conf)
# It may hold a password.
file(RENAME ${root}/usr/share/doc/leat/examples/leat.env ${root}/etc/leat/leat.env)
file(CHMOD ${root}/etc/leat/leat.env PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ)
