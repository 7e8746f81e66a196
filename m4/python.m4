# SPDX-License-Identifier: Apache-2.0
# LAYRUB_PYTHON - look for Python
#
# --with-python.  Not given: the package for Python is installed when Python 3.10 or newer is found.  yes: an error when it is not
# found.  no: no search.  PYTHON is the interpreter.  Sets have_python, pythondir and the conditional HAVE_PYTHON.  pythondir is a
# folder under the prefix that this Python searches by itself, if it has one there: Debian's are not where Automake expects them.
AC_DEFUN([LAYRUB_PYTHON], [
AC_ARG_WITH([python], [AS_HELP_STRING([--with-python], [install the package for Python (default: when found)])])
have_python=no
AS_IF([test "x$with_python" != xno], [
  AM_PATH_PYTHON([3.10], [have_python=yes], [PYTHON=])
  AS_IF([test "x$with_python" = xyes && test $have_python = no],
    [AC_MSG_ERROR([Python 3.10 was asked for and not found (Debian: python3)])])
  AS_IF([test $have_python = yes], [
    layrub_prefix=$prefix
    AS_IF([test "x$layrub_prefix" = xNONE], [layrub_prefix=$ac_default_prefix])
    layrub_site=`$PYTHON -c "import site
print(*(p.removeprefix('$layrub_prefix') for p in site.getsitepackages() if p.startswith('$layrub_prefix/lib')), sep=chr(10))" | sed 1q`
    AS_IF([test "x$layrub_site" != x], [pythondir='${prefix}'$layrub_site])])],
  [PYTHON=])
AM_CONDITIONAL([HAVE_PYTHON], [test $have_python = yes])
])
