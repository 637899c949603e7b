# Writes text files into a C file, each as `const char NAME[]`, terminated:
#   cmake -DOUTPUT=FILE -DHEADER=daemon/feed/redis_scripts.h "-DFILES=name=path;..." -P embed.cmake
file(WRITE ${OUTPUT}.new "#include \"${HEADER}\"\n")
foreach(pair ${FILES})
  string(REGEX REPLACE "=.*" "" name ${pair})
  string(REGEX REPLACE "^[^=]+=" "" path ${pair})
  file(READ ${path} text HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," text "${text}")
  file(APPEND ${OUTPUT}.new "const char ${name}[] = {${text}0x00};\n")
endforeach()
file(RENAME ${OUTPUT}.new ${OUTPUT})
