// MOLDAU_PROBE(name): marks a rare branch, so that the simulator can prove that its runs reached it.
//
// In the product the hook is an undefined weak symbol: the macro costs one comparison with null. The simulator
// (sim/world, never linked into apps) defines it and counts hits by name. No state lives here, so PURE modules may use
// it.
#pragma once

// `name` is a string literal that is unique in the tree: "log.recovery_cut_tail".
extern "C" [[gnu::weak]] void moldau_probe_hit(const char* name) noexcept;

#define MOLDAU_PROBE(name)              \
  do {                                  \
    if (&moldau_probe_hit != nullptr) { \
      ::moldau_probe_hit(name);         \
    }                                   \
  } while (false)
