# iot-utils: one GNU Makefile, nothing built among the sources.
#
# To add a command: a folder cmd/NAME with main.c, its name in CMDS, its pkg-config names in
# PKGS_NAME, a page man/NAME.SECTION, a test in tests/cli, a line in README.md; then `make gen`.

VERSION  := 0.1.0
CMDS     := iotctl iotpub iotsub iotingest iotstatus iotapi
O        ?= build
PREFIX   ?= /usr/local
BINDIR   ?= $(PREFIX)/bin
DATADIR  ?= $(PREFIX)/share
MANDIR   ?= $(DATADIR)/man
INSTALL  ?= install
PKG_CONFIG ?= pkg-config

# What each program links besides common/; a program gets no more than it uses.
PKGS_COMMON    := inih jansson
PKGS_iotctl    := libcurl libmosquitto openssl
PKGS_iotpub    := libmosquitto openssl
PKGS_iotsub    := libmosquitto openssl
PKGS_iotingest := libmosquitto openssl
PKGS_iotstatus := libcurl
PKGS_iotapi    := libmicrohttpd sqlite3 libmosquitto openssl
LIBS_iotctl    := -lreadline
LIBS_iotapi    := -lcrypt
PKGS_TESTS     := cmocka libcurl libmosquitto openssl sqlite3

CFLAGS   ?= -O2 -g
IOT_CFLAGS := -std=c11 -D_GNU_SOURCE -Icommon -Wall -Wextra -Wconversion -Wshadow -Wformat=2 \
	-fPIE -fstack-protector-strong -fstack-clash-protection -pthread \
	-DIOT_VERSION='"$(VERSION)"' -DIOT_LOCALEDIR='"$(DATADIR)/locale"'
IOT_LDFLAGS := -pie -pthread -Wl,-z,relro,-z,now,--as-needed
ifdef SAN
  IOT_CFLAGS  += -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
  IOT_LDFLAGS += -fsanitize=address,undefined
  O := build-san
else
  IOT_CFLAGS  += -D_FORTIFY_SOURCE=2
endif
ifdef DEVELOPER
  IOT_CFLAGS  += -Werror
endif

SOURCES   := $(wildcard common/*/*.c cmd/*/*.c)
LIB_OBJS  := $(patsubst %.c,$(O)/%.o,$(wildcard common/*/*.c))
PROGRAMS  := $(CMDS:%=$(O)/%)
UNITS     := $(patsubst tests/unit/%.c,$(O)/tests/unit/%.t,$(wildcard tests/unit/*.c))
CFLAGS_PKG := $(shell $(PKG_CONFIG) --cflags $(sort $(PKGS_COMMON) $(foreach c,$(CMDS),$(PKGS_$c)) cmocka) 2>/dev/null)

all: $(PROGRAMS)

$(O)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(IOT_CFLAGS) $(CFLAGS_PKG) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(O)/libiot.a: $(LIB_OBJS)
	@rm -f $@
	$(AR) rcs $@ $^

define PROGRAM
$(O)/$(1): $$(patsubst %.c,$(O)/%.o,$$(wildcard cmd/$(1)/*.c)) $(O)/libiot.a
	$$(CC) $$(IOT_LDFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(LIBS_$(1)) \
	    $$(shell $$(PKG_CONFIG) --libs $$(PKGS_$(1)) $$(PKGS_COMMON)) -lm
endef
$(foreach c,$(CMDS),$(eval $(call PROGRAM,$c)))

# A unit test sees common/ and, where it is named cmd_PROGRAM_*.c, that program's own parts.
$(O)/tests/unit/%.t: $(O)/tests/unit/%.o $(O)/libiot.a
	$(CC) $(IOT_LDFLAGS) $(LDFLAGS) -o $@ $^ $(shell $(PKG_CONFIG) --libs $(PKGS_TESTS) $(PKGS_COMMON)) -lcrypt -lm

-include $(patsubst %.c,$(O)/%.d,$(SOURCES) $(wildcard tests/unit/*.c))

clean:
	rm -rf build build-san

.PHONY: all clean
.DELETE_ON_ERROR:
.SECONDARY:
