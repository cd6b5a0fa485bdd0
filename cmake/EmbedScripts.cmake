# cmake -DSCRIPTS=a,b -DSOURCE=DIR -DOUTPUT=DIR [-DUNFENCED=1] [-DMUTANT=FILE] -P EmbedScripts.cmake
# Turns DIR/NAME.lua into lua_scripts.{h,c}: text and SHA-1 of each, in the order given.
# A line `-- include NAME` is replaced by lib/NAME.lua; lines of comment are left out.
# UNFENCED drops every line marked `-- fence` up to its `end`: a mutant for the tests only.
# MUTANT is another one: a CMake file that changes ${text}, run for each script.
string(REPLACE "," ";" names "${SCRIPTS}")
set(enum "")
set(rows "")

function(leat_script_text name out)
  file(READ "${SOURCE}/${name}.lua" text)
  string(REGEX MATCHALL "-- include [a-z]+" includes "${text}")
  foreach(include IN LISTS includes)
    string(REPLACE "-- include " "" part "${include}")
    file(READ "${SOURCE}/lib/${part}.lua" body)
    string(REPLACE "${include}\n" "${body}" text "${text}")
  endforeach()
  if(UNFENCED)
    string(REGEX REPLACE "\n[^\n]*-- fence of an effect[^\n]*" "" text "${text}")
  endif()
  if(MUTANT)
    include("${MUTANT}")
  endif()
  string(REGEX REPLACE "\n *--[^\n]*" "" text "${text}")
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

foreach(name IN LISTS names)
  leat_script_text(${name} text)
  string(SHA1 sha "${text}")
  string(TOUPPER ${name} upper)
  string(REPLACE "\\" "\\\\" text "${text}")
  string(REPLACE "\"" "\\\"" text "${text}")
  string(REPLACE "\n" "\\n\"\n     \"" text "${text}")
  string(APPEND enum "    SCRIPT_${upper},\n")
  string(APPEND rows "    {\"${name}\", \"${sha}\",\n     \"${text}\"},\n")
endforeach()

file(WRITE "${OUTPUT}/lua_scripts.h"
  "/* Made by EmbedScripts.cmake from broker-schema/lua. */\nenum script_id {\n${enum}    SCRIPT_COUNT_ALL\n};\n")
file(WRITE "${OUTPUT}/lua_scripts.c"
  "/* Made by EmbedScripts.cmake from broker-schema/lua. */\n#include \"broker/script.h\"\n\nconst struct script script_table[SCRIPT_COUNT_ALL] = {\n${rows}};\n")
