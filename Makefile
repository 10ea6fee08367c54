# iot-utils: one GNU Makefile, nothing built among the sources.
#
# To add a command: a folder cmd/NAME with main.c, its name in CMDS, its pkg-config names in
# PKGS_NAME, a page man/NAME.SECTION, a test in tests/cli, a line in README.md; then `make gen`.

VERSION    := 0.2.0
CMDS       := iotctl iotpub iotsub iotingest iotstatus iotapi
O          ?= build
PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
DATADIR    ?= $(PREFIX)/share
MANDIR     ?= $(DATADIR)/man
BASHDIR    ?= $(DATADIR)/bash-completion/completions
ZSHDIR     ?= $(DATADIR)/zsh/site-functions
UNITDIR    ?= $(PREFIX)/lib/systemd/system
EXAMPLEDIR ?= $(DATADIR)/doc/iot-utils/examples
LOCALEDIR  ?= $(DATADIR)/locale
# fish looks below /usr/local only where XDG_DATA_DIRS says so, which is in a desktop's sessions.
FISHDIR    ?= $(if $(filter /usr/local,$(PREFIX)),/etc/fish/completions,$(DATADIR)/fish/vendor_completions.d)
INSTALL    ?= install
PKG_CONFIG ?= pkg-config

# What --version shows: of a clone, or of what `git archive` made of one; nothing elsewhere.
ifndef COMMIT
  COMMIT := $(shell { test -e .git && git rev-parse HEAD || cat tools/commit; } 2>/dev/null | \
    sed -n 's/^\([0-9a-f]\{12\}\).*/\1/p')
endif

# What each program links besides common/; a program gets no more than it uses.
PKGS_COMMON    := inih jansson
PKGS_iotctl    := libcurl libmosquitto openssl libwebsockets yaml-0.1
PKGS_iotpub    := libmosquitto openssl libwebsockets
PKGS_iotsub    := libmosquitto openssl libwebsockets
PKGS_iotingest := openssl libwebsockets
PKGS_iotstatus := libcurl openssl libwebsockets
PKGS_iotapi    := libmicrohttpd sqlite3 openssl libwebsockets
LIBS_iotctl    := -lreadline
LIBS_iotapi    := -lcrypt
PKGS_TESTS     := cmocka libcurl libmosquitto openssl libwebsockets sqlite3 libmicrohttpd yaml-0.1
LIBS_TESTS     := -lcrypt -lreadline

CFLAGS      ?= -O2 -g
WARNINGS    := -Wall -Wextra -Wconversion -Wshadow -Wformat=2
IOT_CFLAGS  := -std=c11 -D_GNU_SOURCE -Icommon -Icmd $(WARNINGS) -fPIE -fstack-protector-strong \
	-fstack-clash-protection -pthread \
	-DIOT_VERSION='"$(VERSION)"'
IOT_LDFLAGS := -pie -pthread -Wl,-z,relro,-z,now,--as-needed
ifdef SAN
  override O  := build-san
  IOT_CFLAGS  += -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
  IOT_LDFLAGS += -fsanitize=address,undefined
else
  IOT_CFLAGS  += -D_FORTIFY_SOURCE=2
endif
ifdef DEVELOPER
  IOT_CFLAGS  += -Werror
endif
# x86: calls and returns that the processor may watch over (CET); other compilers refuse the option.
IOT_CFLAGS += $(shell $(CC) -fcf-protection -x c -c -o /dev/null /dev/null 2>/dev/null && echo -fcf-protection)
ALL_PKGS := $(sort $(PKGS_COMMON) $(foreach c,$(CMDS),$(PKGS_$c)))
IOT_CFLAGS += $(shell $(PKG_CONFIG) --cflags $(ALL_PKGS) 2>/dev/null)
libs = $(shell $(PKG_CONFIG) --libs $(1) $(PKGS_COMMON)) -lm
objects = $(patsubst %.c,$(O)/%.o,$(wildcard $(1)))

PROGRAMS := $(CMDS:%=$(O)/%)
UNITS    := $(patsubst %.c,$(O)/%.t,$(wildcard tests/unit/*/*.c))
FUZZERS  := $(patsubst %.c,$(O)/%,$(wildcard tests/fuzz/*.c))
SCRIPTS  := $(wildcard tests/cli/*.t tests/days/*.t)
PAGES    := $(wildcard man/*.[1-9])
UNITFILES := $(wildcard cmd/*/*.service cmd/*/*.timer)
EXAMPLES := $(wildcard examples/*)
LANGUAGES := $(patsubst po/%.po,%,$(wildcard po/*.po))
CATALOGUE := LC_MESSAGES/iot-utils.mo

all: $(PROGRAMS) $(LANGUAGES:%=$(O)/locale/%/$(CATALOGUE))

$(O)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(IOT_CFLAGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# A stamp changes with what it holds only, and so one object is made anew.
$(O)/commit: STAMP = $(COMMIT)
$(O)/localedir: STAMP = $(LOCALEDIR)
$(O)/commit $(O)/localedir: FORCE
	@mkdir -p $(@D)
	@echo '$(STAMP)' | cmp -s - $@ || echo '$(STAMP)' >$@
$(O)/common/cli/opt_doc.o: $(O)/commit
$(O)/common/cli/opt_doc.o: IOT_CFLAGS += -DIOT_COMMIT='"$(COMMIT)"'
$(O)/common/cli/program.o: $(O)/localedir
$(O)/common/cli/program.o: IOT_CFLAGS += -DIOT_LOCALEDIR='"$(LOCALEDIR)"'

# The texts for people: _("..."), N_("...") and P_("one", "many", n), of base/text.h.
TEXTS := $(sort $(wildcard common/*/*.[ch] common/*/*/*.[ch] cmd/*/*.[ch] cmd/*/*/*.[ch]))
$(O)/iot-utils.pot: $(TEXTS) Makefile
	@mkdir -p $(@D)
	@echo "$@: $(words $(TEXTS)) files"
	@xgettext --language=C --from-code=UTF-8 --keyword --keyword=_ --keyword=N_ --keyword=P_:1,2 \
	    $(foreach f,_:1 N_:1 P_:1 P_:2,--flag=$f:pass-c-format) \
	    $(foreach f,err_set:3 err_sys:3 err_in:2 err_add:2 log_error:1 log_warn:1 log_info:1 log_debug:1 \
	        buf_printf:2 xasprintf:1 findings_add:4 field_errs_add:3,--flag=$f:c-format) \
	    --add-comments=TRANSLATORS --add-location=file --package-name=iot-utils \
	    --copyright-holder='the iot-utils authors' --output=- $(TEXTS) | sed '/^"POT-Creation-Date:/d' >$@
$(O)/locale/%/$(CATALOGUE): po/%.po
	@mkdir -p $(@D)
	msgfmt --check --output-file=$@ $<

$(O)/libiot.a: $(call objects,common/*/*.c common/*/*/*.c)
	@rm -f $@
	$(AR) rcs $@ $^

define PROGRAM
$(O)/$(1): $(call objects,cmd/$(1)/*.c cmd/$(1)/*/*.c) $(O)/libiot.a
	$$(CC) $$(IOT_LDFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(LIBS_$(1)) $$(call libs,$$(PKGS_$(1)))
endef
$(foreach c,$(CMDS),$(eval $(call PROGRAM,$c)))

# A unit test sees common/; one in tests/unit/PROGRAM also sees that program's own parts.
.SECONDEXPANSION:
program = cmd/$(firstword $(subst /, ,$(1)))
parts = $(filter-out %/main.o,$(call objects,$(call program,$(1))/*.c $(call program,$(1))/*/*.c))
$(O)/tests/unit/%.o: IOT_CFLAGS += -Itests/unit
$(O)/tests/unit/%.t: $(O)/tests/unit/%.o $$(call parts,$$*) $(O)/libiot.a
	$(CC) $(IOT_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_TESTS) $(call libs,$(PKGS_TESTS))

# The fake broker of the benches and fault tests; the output side alone.
$(O)/tests/bench/feed: $(call objects,tests/bench/feed*.c tests/bench/payloads.c) $(O)/libiot.a
	$(CC) $(IOT_LDFLAGS) $(LDFLAGS) -o $@ $^ $(call libs,openssl)
$(O)/tests/bench/lines: $(call objects,tests/bench/lines.c tests/bench/payloads.c) $(O)/libiot.a
	$(CC) $(IOT_LDFLAGS) $(LDFLAGS) -o $@ $^ $(call libs,)

# The sink for publishers, and the plain sender they are compared with; the raw reader that iotingest is;
# requests over HTTP; the guesser of passwords.
SINKS := $(O)/tests/bench/pub/sink $(O)/tests/bench/pub/plain
RAW   := $(O)/tests/bench/raw $(O)/tests/bench/http_load
GUESS := $(O)/tests/bench/logins
$(SINKS) $(RAW) $(GUESS): %: %.o $(O)/libiot.a
	$(CC) $(IOT_LDFLAGS) $(LDFLAGS) -o $@ $^

# What cuts the power of the program that it is preloaded into.
POWERCUT := $(O)/tests/powercut.so
$(POWERCUT): tests/powercut/powercut.c
	@mkdir -p $(@D)
	$(CC) $(IOT_CFLAGS) $(CPPFLAGS) $(CFLAGS) -fPIC -shared -o $@ $< -ldl

BENCHED := $(O)/tests/bench/feed $(O)/tests/bench/lines $(RAW) $(SINKS) $(GUESS)
TESTED  := $(UNITS) $(BENCHED) $(POWERCUT)

-include $(patsubst %.o,%.d,$(call objects,common/*/*.c common/*/*/*.c cmd/*/*.c cmd/*/*/*.c tests/unit/*/*.c tests/bench/*.c tests/bench/pub/*.c))

# Installs what is missing first; what pkg-config finds is asked again by the second make.
demo:
	@tests/deps.sh demo
	@echo 'Building in $(O)...'
	@$(MAKE) --no-print-directory -s -j2 all
	@IOT_BUILD=$(abspath $(O)) tests/demo/demo.sh $(if $(KEEP),--keep)

# A script that takes more than a few seconds says why in a line "# slow: ...", one that needs more than
# tests/deps.sh check-fast installs in "# needs: ...": check begins with them, check-fast leaves them out.
SLOW = $(shell grep -lE '^\# (slow|needs): ' $(SCRIPTS))
FAST = $(filter-out $(SLOW),$(SCRIPTS))
JOBS ?= 4
prove = CMOCKA_MESSAGE_OUTPUT=TAP IOT_BUILD=$(abspath $(O)) SANITIZED=$(SAN) \
	prove -j$(JOBS) --timer --state=save --exec 'timeout -k 5 300' $(1)

check:
	@rm -f .prove
	@tests/deps.sh check $(if $(filter clang,$(CC)),clang)
	@$(MAKE) --no-print-directory -s -j2 all $(TESTED) $(if $(SAN),fuzz)
	@$(call prove,$(SLOW) $(UNITS) $(FAST))

# What failed at the last check, again, one file at a time.
check-failed: JOBS = 1
check-failed:
	@test -s .prove
	@$(call prove,--state=failed)

# Under a minute, without Django and PostgreSQL: for between two edits.
check-fast:
	@rm -f .prove
	@tests/deps.sh check-fast
	@$(MAKE) --no-print-directory -s -j2 all $(TESTED)
	@$(call prove,$(UNITS) $(FAST))

# What the benches need; tests/bench/run.sh prints their table.
bench:
	@tests/deps.sh bench
	@$(MAKE) --no-print-directory -s -j2 all $(BENCHED)

# Fuzz targets are built whole with clang: every line they reach is instrumented.
FUZZED := common/base/*.[ch] common/model/*.[ch] common/msg/*.[ch] common/cli/*.[ch] \
	$(addprefix common/mqtt/,packet* reason.* receiver* window.* ack_queue.* topic_alias.*) \
	cmd/iotctl/apply/yaml_parse.[ch] cmd/iotctl/output/yaml_emit.[ch]
FUZZED_API := $(wildcard cmd/iotapi/db/*.[ch] common/rest/rest_url.[ch] \
	$(addprefix cmd/iotapi/api/,list_order.* object.* query.*) \
	$(addprefix cmd/iotapi/http/,answer.* json_in.* json_out.* page.* request.*))
$(addprefix $(O)/tests/fuzz/,request_target query_string body): $(FUZZED_API) tests/fuzz/api.h
fuzz: $(FUZZERS)
$(O)/tests/fuzz/%: tests/fuzz/%.c $(wildcard $(FUZZED))
	@mkdir -p $(@D)
	clang -g -O1 -std=c11 -D_GNU_SOURCE -I. -Icommon -Icmd -fsanitize=fuzzer,address,undefined \
	    -fno-sanitize-recover=all -o $@ $(filter %.c,$^) $(call libs,yaml-0.1 sqlite3)

lint:
	@tests/deps.sh lint
	@$(MAKE) --no-print-directory -s -j2 all
	mandoc -Tlint -W warning $(PAGES)
	shellcheck -x tests/*.sh tests/*/*.sh completions/*.sh $(SCRIPTS)
	shellcheck -s bash completions/live.bash
	cppcheck -q --error-exitcode=1 --enable=warning,portability,performance --inline-suppr \
	    --suppressions-list=tests/cppcheck.txt -Icommon -Icmd common cmd
	for l in $(LANGUAGES); do msgfmt --check --output-file=/dev/null po/$$l.po || exit; done
	clang-format --dry-run -Werror $(wildcard common/*/*.c common/*/*/*.c cmd/*/*.c cmd/*/*/*.c tests/*/*.c tests/*/*/*.c)
	completions/gen.sh --check $(O)

gen: all
	completions/gen.sh $(O)

# Texts that are new come into each po/LANGUAGE.po without a translation; those that are gone become comments there.
po: $(O)/iot-utils.pot
	for l in $(LANGUAGES); do \
	    msgmerge --quiet --no-fuzzy-matching --add-location=file --backup=none --update po/$$l.po $< || exit; \
	    msgfmt --statistics --check --output-file=/dev/null po/$$l.po || exit; done

install: all
	$(INSTALL) -d $(addprefix $(DESTDIR),$(BINDIR) $(MANDIR)/man1 $(MANDIR)/man5 \
	    $(MANDIR)/man7 $(MANDIR)/man8 $(BASHDIR) $(ZSHDIR) $(FISHDIR) $(UNITDIR) $(EXAMPLEDIR) \
	    $(LANGUAGES:%=$(LOCALEDIR)/%/LC_MESSAGES))
	$(INSTALL) -m 755 $(PROGRAMS) $(DESTDIR)$(BINDIR)
	$(INSTALL) -m 644 $(UNITFILES) $(DESTDIR)$(UNITDIR)
	$(INSTALL) -m 644 $(EXAMPLES) $(DESTDIR)$(EXAMPLEDIR)
	for l in $(LANGUAGES); do \
	    $(INSTALL) -m 644 $(O)/locale/$$l/$(CATALOGUE) $(DESTDIR)$(LOCALEDIR)/$$l/$(CATALOGUE) || exit; done
	for p in $(PAGES); do $(INSTALL) -m 644 $$p $(DESTDIR)$(MANDIR)/man$${p##*.}; done
	for c in $(CMDS); do \
	    $(INSTALL) -m 644 completions/bash/$$c $(DESTDIR)$(BASHDIR)/$$c && \
	    $(INSTALL) -m 644 completions/zsh/_$$c $(DESTDIR)$(ZSHDIR)/_$$c && \
	    $(INSTALL) -m 644 completions/fish/$$c.fish $(DESTDIR)$(FISHDIR)/$$c.fish; done

uninstall:
	rm -f $(CMDS:%=$(DESTDIR)$(BINDIR)/%) $(CMDS:%=$(DESTDIR)$(BASHDIR)/%) \
	    $(CMDS:%=$(DESTDIR)$(ZSHDIR)/_%) $(CMDS:%=$(DESTDIR)$(FISHDIR)/%.fish) \
	    $(addprefix $(DESTDIR)$(UNITDIR)/,$(notdir $(UNITFILES))) \
	    $(addprefix $(DESTDIR)$(EXAMPLEDIR)/,$(notdir $(EXAMPLES))) \
	    $(LANGUAGES:%=$(DESTDIR)$(LOCALEDIR)/%/$(CATALOGUE))
	for p in $(PAGES); do rm -f $(DESTDIR)$(MANDIR)/man$${p##*.}/$${p##*/}; done

# What is committed, and nothing that is made.
DIST := iot-utils-$(VERSION)
dist:
	@mkdir -p $(O)
	git archive --format=tar.gz --prefix=$(DIST)/ -o $(O)/$(DIST).tar.gz HEAD

# Debian packages of what is committed, for this machine's release, without root.
deb: dist
	@tests/deps.sh deb
	tools/deb $(O)/$(DIST).tar.gz $(O)/deb

release-check:
	@tools/release-check

clean:
	rm -rf build build-san

.PHONY: all bench demo check check-failed check-fast fuzz lint gen po install uninstall dist deb release-check clean FORCE
.DELETE_ON_ERROR:
.SECONDARY:
