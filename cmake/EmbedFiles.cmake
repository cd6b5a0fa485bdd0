# cmake -DFILES=a,b -DSOURCE=DIR -DOUTPUT=DIR -P EmbedFiles.cmake
# Turns DIR/a, DIR/b … into page_files.c: the bytes of each, its content type by the end of its
# name, and an ETag from its digest.
string(REPLACE "," ";" names "${FILES}")
set(type_html "text/html; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(arrays "")
set(rows "")
set(number 0)

foreach(name IN LISTS names)
  file(READ "${SOURCE}/${name}" hex HEX)
  file(SHA256 "${SOURCE}/${name}" digest)
  string(SUBSTRING "${digest}" 0 16 digest)
  string(REGEX MATCH "[a-z]+$" kind "${name}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND arrays "static const unsigned char file_${number}[] = {\n${bytes}};\n")
  string(APPEND rows "    {\"${name}\", \"${type_${kind}}\", \"\\\"${digest}\\\"\",\n"
                     "     {(const char *)file_${number}, sizeof file_${number}}},\n")
  math(EXPR number "${number} + 1")
endforeach()

file(WRITE "${OUTPUT}/page_files.c"
  "/* Made by EmbedFiles.cmake from dashboard/page. */\n#include \"dashboard/page.h\"\n\n${arrays}\n"
  "const struct page_file page_files[] = {\n${rows}};\n"
  "const size_t page_file_count = sizeof page_files / sizeof *page_files;\n")
