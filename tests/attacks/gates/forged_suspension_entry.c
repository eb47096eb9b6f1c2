/* class: gates
 * source: the word that says where a compartment is suspended is on its own stack
 * tries: to say that the attacker is suspended at a frame of its own making in shared memory, then to
 *   return to itself through the victim's gate, with a descriptor of its choice
 * must: end the process or change nothing of the victim
 * expect: stopped */
#include "attack.h"
#include "state/zone.h"

ATTACK
{
    word *frame = (word *)shared_at(0x2000);
    frame[0] = (word)(descriptor_of(victim_key)->gates + 4);
    frame[offsetof(struct ia2_gate_frame, result) / 8] = (word)victim_object;
    frame[offsetof(struct ia2_gate_frame, running) / 8] = -1;
    for (int i = 4; i < 12; i++)
        frame[i] = (word)payload;
    *suspended_word(own_key) = (word)frame;
    struct registers forged = {.rax = pkru_of(own_key), .r8 = 0x41414141, .r9 = 0x41414141};
    jump_with(&forged, wrpkru_between(own_key, victim_key, 1));
}
