/* SPDX-License-Identifier: Apache-2.0 */
/* with_glpk.h - WITH_GLPK(): rows of tables that exist only in a program built with GLPK
 *
 * The only test for GLPK in the sources.  The functions of such rows are in files that local.mk leaves out without GLPK.  The library
 * never links GLPK: its tables are compiled with WITHOUT_GLPK (src/library/local.mk).
 */
#ifndef SRC_BASE_WITH_GLPK_H
#define SRC_BASE_WITH_GLPK_H

#if defined HAVE_GLPK && !defined WITHOUT_GLPK
#define WITH_GLPK(...) __VA_ARGS__
#else
#define WITH_GLPK(...)
#endif
#endif
