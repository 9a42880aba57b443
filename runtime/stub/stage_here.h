/* The last stage as a function, for a process that need not execute it: see enter_stage of runtime/stage.hpp. */
#ifndef ENGINE_STUB_STAGE_HERE_H
#define ENGINE_STUB_STAGE_HERE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
[[noreturn]]
#else
_Noreturn
#endif
/* `bytes`, 8-aligned, is a whole stage_plan with its texts. Ends in the user's program, or with a report. */
void run_stage_here(const void *bytes, uint64_t size);

#ifdef __cplusplus
}
#endif

#endif
