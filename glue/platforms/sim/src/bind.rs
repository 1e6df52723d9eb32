//! The binding by hand, of all groups, for programs the generator does not make.
// Each binding is an exported symbol; `hypercall` says why that is sound.
#![allow(unsafe_code)]

use hypercall::*;

use crate::Platform;

block!(Platform);
clock!(Platform);
console!(Platform);
dma!(Platform);
fault!(Platform);
frames!(Platform);
irq!(Platform);
memory!(Platform);
mmio!(Platform);
params!(Platform);
pci!(Platform);
power!(Platform);
random!(Platform);
tls!(Platform);
work!(Platform);
