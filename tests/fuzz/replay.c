// SPDX-License-Identifier: Apache-2.0
// The main of a fuzz target without libFuzzer: replay DIRECTORY [MUTATIONS per file].
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_SIZE_MAX = 64 * 1024, PATH_SIZE = 4096 };

struct input {
	uint8_t data[INPUT_SIZE_MAX];
	size_t size;
};

// Runs on a copy of exactly that size, so that sanitizers see a read past the end.
static void run(const struct input *input)
{
	uint8_t *exact = malloc(input->size + 1);
	ASSERT(exact != NULL);
	memcpy(exact, input->data, input->size);
	LLVMFuzzerTestOneInput(exact, input->size);
	free(exact);
}

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ull);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static void remove_bytes(struct input *input, size_t at, size_t count)
{
	if (count > input->size - at)
		count = input->size - at;
	memmove(input->data + at, input->data + at + count, input->size - at - count);
	input->size -= count;
}

// Inserts what stands elsewhere in the input.
static void repeat_bytes(struct input *input, size_t at, size_t from, size_t count)
{
	uint8_t piece[16];
	if (count > input->size - from)
		count = input->size - from;
	if (count > INPUT_SIZE_MAX - input->size)
		count = INPUT_SIZE_MAX - input->size;
	memcpy(piece, input->data + from, count);
	memmove(input->data + at + count, input->data + at, input->size - at);
	memcpy(input->data + at, piece, count);
	input->size += count;
}

static void mutate(struct input *input, uint64_t *state)
{
	static const uint8_t telling[] = {0x00, 0x01, 0x7f, 0x80, 0xff, '"', '\\', '{', '-', '.'};
	if (input->size == 0)
		return;
	const uint64_t random = next_random(state);
	const size_t at = (random >> 8) % input->size;
	switch (random % 5) {
	case 0:
		input->data[at] ^= (uint8_t)(1 << (random >> 40) % 8);
		break;
	case 1:
		input->data[at] = telling[(random >> 40) % sizeof(telling)];
		break;
	case 2:
		remove_bytes(input, at, 1 + (random >> 40) % 8);
		break;
	case 3:
		repeat_bytes(input, at, (random >> 24) % input->size, 1 + (random >> 60));
		break;
	default:
		input->data[at] = (uint8_t)(random >> 40);
		break;
	}
}

static void run_with_mutations(const struct input *seed, unsigned mutations)
{
	static struct input input;
	uint64_t state = seed->size;
	run(seed);
	for (unsigned i = 0; i < mutations; i++) {
		memcpy(input.data, seed->data, seed->size);
		input.size = seed->size;
		for (unsigned steps = 1 + i % 4; steps > 0; steps--)
			mutate(&input, &state);
		run(&input);
	}
}

static void run_file(const char *directory, const char *name, unsigned mutations)
{
	static struct input seed;
	char path[PATH_SIZE];
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	FILE *file = fopen(path, "rb");
	if (file == NULL) {
		fprintf(stderr, "cannot read %s\n", path);
		exit(EXIT_FAILURE);
	}
	seed.size = fread(seed.data, 1, sizeof(seed.data), file);
	fclose(file);
	run_with_mutations(&seed, mutations);
}

int main(int argc, char **argv)
{
	const unsigned mutations = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
	unsigned files = 0;
	DIR *directory = argc > 1 ? opendir(argv[1]) : NULL;
	if (directory == NULL) {
		fprintf(stderr, "usage: %s DIRECTORY [MUTATIONS]\n", argv[0]);
		return EXIT_FAILURE;
	}
	for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
		if (entry->d_name[0] == '.')
			continue;
		run_file(argv[1], entry->d_name, mutations);
		files++;
	}
	closedir(directory);
	printf("%u files, %u mutations of each\n", files, mutations);
	return files > 0 ? EXIT_SUCCESS : EXIT_FAILURE; // a corpus that is lost must not pass
}
