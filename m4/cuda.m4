# SPDX-License-Identifier: Apache-2.0
# LAYRUB_CUDA - look for the CUDA toolkit
#
# --with-cuda[=PREFIX].  Not given: CUDA is used when nvcc and the runtime's header are found.  yes or a prefix: an error when they are
# not found.  no: no search.  cuBLAS is loaded at run time and needs no header.  Sets have_cuda, NVCC, CUDA_CPPFLAGS,
# CUDA_LDFLAGS, CUDA_LIBS and the conditional HAVE_CUDA.
AC_DEFUN([LAYRUB_CUDA], [
AC_ARG_WITH([cuda], [AS_HELP_STRING([--with-cuda@<:@=PREFIX@:>@], [replay plans on an NVIDIA GPU (default: when found)])])
AC_ARG_VAR([NVCC], [CUDA compiler])
AC_ARG_VAR([NVCCFLAGS], [CUDA compiler flags])
have_cuda=no
AS_IF([test "x$with_cuda" != xno], [
  AS_CASE(["x$with_cuda"], [x|xyes], [cuda_prefix=/usr/local/cuda], [cuda_prefix=$with_cuda])
  AC_PATH_PROG([NVCC], [nvcc], [], [$PATH$PATH_SEPARATOR$cuda_prefix/bin])
  layrub_save_CPPFLAGS=$CPPFLAGS
  CPPFLAGS="$CPPFLAGS -I$cuda_prefix/include"
  AC_CHECK_HEADER([cuda_runtime_api.h], [AS_IF([test "x$NVCC" != x], [have_cuda=yes])])
  CPPFLAGS=$layrub_save_CPPFLAGS
  AS_IF([test "x$with_cuda" != x && test $have_cuda = no],
    [AC_MSG_ERROR([CUDA was asked for and not found under $cuda_prefix])])])
AS_IF([test $have_cuda = yes], [
  CUDA_CPPFLAGS="-isystem $cuda_prefix/include"
  CUDA_LDFLAGS="-L$cuda_prefix/lib64"
  CUDA_LIBS="-lcudart_static -lstdc++ -ldl -lrt -lpthread"
  : ${NVCCFLAGS=-O2 -arch=all-major}])
AC_SUBST([CUDA_CPPFLAGS])
AC_SUBST([CUDA_LDFLAGS])
AC_SUBST([CUDA_LIBS])
AM_CONDITIONAL([HAVE_CUDA], [test $have_cuda = yes])
])
