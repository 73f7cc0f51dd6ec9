# The wheels that carry ROS 2 on PyPI export the Python and NumPy include folders of the machine that built
# them, and CMake stops at an include folder that does not exist. Drop those; every other target is untouched.
function(ros_wheels_drop_missing_includes)
  get_directory_property(targets IMPORTED_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(folders ${target} INTERFACE_INCLUDE_DIRECTORIES)
    if(folders MATCHES "/opt/python/")
      list(FILTER folders EXCLUDE REGEX "^/opt/python/")
      set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${folders}")
    endif()
  endforeach()
endfunction()

# At the end of the calling directory, when every find_package() has made its targets.
cmake_language(DEFER DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" CALL ros_wheels_drop_missing_includes)
