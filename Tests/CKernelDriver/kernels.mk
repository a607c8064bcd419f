# The kernels' own checks, without Swift: make -f Tests/CKernelDriver/kernels.mk check|frames|wide|asan|sweep|time|arm64
# BUILT= names the folder of objects that SwiftPM has compiled, to be checked as they are.
CC = clang
FLAGS = -std=gnu11 -O2 -Wall -Wextra -ffp-contract=off
KERNELS = Sources/CRecurraKernels
DRIVER = Tests/CKernelDriver
OUT = .build/kernels
INCLUDES = -I$(KERNELS)/include -I$(KERNELS)
SOURCES = $(wildcard $(KERNELS)/*/*.c)
HEADERS = $(wildcard $(KERNELS)/*/*.h $(DRIVER)/*.h)
BUILT =
OBJECTS = $(if $(BUILT),$(SOURCES:$(KERNELS)/%.c=$(BUILT)/%.c.o),$(SOURCES:$(KERNELS)/%.c=$(OUT)/%.o))

.PHONY: check frames wide asan sweep time arm64
check wide sweep time: %: $(OUT)/%
	$<

# A frame stays within a page where nothing is optimised, too: debug builds run on callers' small stacks.
frames: $(SOURCES:$(KERNELS)/%.c=$(OUT)/%.frames)
$(OUT)/%.frames: $(KERNELS)/%.c $(HEADERS)
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -O0 -Wframe-larger-than=4096 -Werror $(INCLUDES) -S $< -o $@

$(OUT)/%.o: $(KERNELS)/%.c $(HEADERS)
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(INCLUDES) -c $< -o $@

$(OUT)/check $(OUT)/sweep $(OUT)/time: $(OUT)/%: $(DRIVER)/%.c $(OBJECTS) $(HEADERS)
	@mkdir -p $(OUT)
	$(CC) $(FLAGS) $(INCLUDES) $< $(OBJECTS) -lm -lpthread -o $@

# AVX-512's kernels in the place of themselves, and said to be there.
$(OUT)/wide: $(DRIVER)/check.c $(DRIVER)/wide.c $(KERNELS)/isa/dispatch.c $(OBJECTS) $(HEADERS)
	$(CC) $(FLAGS) -Wno-psabi -D'__builtin_cpu_supports(name)=1' $(INCLUDES) -I$(KERNELS)/isa \
	  $(filter %.c,$^) $(filter-out %/isa_avx512.o %/dispatch.o,$(OBJECTS)) -lm -lpthread -o $@

asan: $(SOURCES) $(DRIVER)/check.c
	@mkdir -p $(OUT)
	$(CC) $(FLAGS) -g -fsanitize=address,undefined $(INCLUDES) $^ -lm -o $(OUT)/asan
	$(OUT)/asan

# Cross-compiled with the headers and libraries of Debian's cross compiler, and run under emulation.
arm64: $(SOURCES) $(DRIVER)/check.c
	@.ci/setup arm64
	@mkdir -p $(OUT)
	$(CC) --target=aarch64-linux-gnu $(FLAGS) $(INCLUDES) $^ -static -lm -o $(OUT)/check-arm64
	qemu-aarch64 $(OUT)/check-arm64
