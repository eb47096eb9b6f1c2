# cmake -DSTAMP=file -DFOLDER=dir -DNAMES=name,... -P IA2Outputs.cmake: removes STAMP if one of the files is missing, so that make
# splits the program again. make looks at the first output of a command only.
string(REPLACE "," ";" names "${NAMES}")
foreach(name IN LISTS names)
  if(NOT EXISTS "${FOLDER}/${name}")
    file(REMOVE "${STAMP}")
  endif()
endforeach()
