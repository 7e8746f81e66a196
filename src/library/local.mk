# SPDX-License-Identifier: Apache-2.0
# librequest: what the command and the library ask the planner with.  liblayrub, shared and static, for programs of any licence: never GLPK, whatever the command has.
# The tables are compiled again without their GLPK rows, and from the archives only what is referred to comes in.
noinst_LIBRARIES += libinterface.a librequest.a
librequest_a_SOURCES = %D%/figures.c %D%/figures.h %D%/fit.c %D%/fit.h %D%/fit_search.c %D%/fit_search.h \
	%D%/place_list.c %D%/place_list.h %D%/plan_request.c %D%/plan_request.h %D%/tables.c %D%/tables.h \
	%D%/task.c %D%/task.h %D%/task_math.c %D%/task_math.h %D%/usage.c %D%/usage.h
libinterface_a_SOURCES = %D%/layrub.c %D%/layrub_device.c %D%/layrub_fit.c %D%/layrub_graph.c %D%/layrub_place.c \
	%D%/layrub_plan.c %D%/layrub_problem.c %D%/layrub_simulate.c %D%/layrub_view.c %D%/layrub_private.h \
	planner/policy/policies.c planner/placement/placements.c planner/bound/bounds.c
libinterface_a_CPPFLAGS = $(AM_CPPFLAGS) -DWITHOUT_GLPK
include_HEADERS = %D%/layrub.h
EXTRA_DIST += %D%/README.md %D%/layrub.map
pkgconfigdir = $(libdir)/pkgconfig
nodist_pkgconfig_DATA = %D%/layrub.pc

# The soname's number; the interface of one number only grows.
LIBRARY_NUMBER = 1
LIBRARY_PARTS  = $(libinterface_a_OBJECTS) $(OUR_PARTS)
LIBRARY_LIBS   = $(JANSSON_LIBS) $(XXHASH_LIBS) $(LIBS)
LIBRARY_SHARED = liblayrub.so.$(PACKAGE_VERSION)
LIBRARY_MAP    = $(srcdir)/%D%/layrub.map

# "exec" in the folder's name: `make install-exec` takes it.
libraryexecdir = $(libdir)
nodist_libraryexec_DATA = liblayrub.a $(LIBRARY_SHARED)
CLEANFILES += liblayrub.a $(LIBRARY_SHARED) %D%/liblayrub.o

# A sanitizer's own functions come with the program.
$(LIBRARY_SHARED): $(LIBRARY_PARTS) $(LIBRARY_MAP)
	$(AM_V_CCLD)$(CC) -shared -Wl,-soname,liblayrub.so.$(LIBRARY_NUMBER) -Wl,--version-script=$(LIBRARY_MAP) $(if $(SAN_CFLAGS),,-Wl,-z,defs) \
	  $(AM_CFLAGS) $(CFLAGS) $(AM_LDFLAGS) $(LDFLAGS) -o $@ $(LIBRARY_PARTS) $(LIBRARY_LIBS)

# One object, so that what is hidden can become local to it.
liblayrub.a: $(LIBRARY_PARTS)
	$(AM_V_AR)rm -f $@ && $(MKDIR_P) %D% && \
	$(CC) $(CFLAGS) -r -nostdlib -o %D%/liblayrub.o $(LIBRARY_PARTS) && \
	$(OBJCOPY) --localize-hidden %D%/liblayrub.o && $(AR) $(ARFLAGS) $@ %D%/liblayrub.o

install-exec-hook:
	cd '$(DESTDIR)$(libdir)' && for link in liblayrub.so.$(LIBRARY_NUMBER) liblayrub.so; do \
	  rm -f $$link && $(LN_S) $(LIBRARY_SHARED) $$link || exit; done
uninstall-hook:
	rm -f '$(DESTDIR)$(libdir)/liblayrub.so.$(LIBRARY_NUMBER)' '$(DESTDIR)$(libdir)/liblayrub.so'
