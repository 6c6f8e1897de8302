//! Bytes that a guest gets as a list, copied once: into its memory.
//!
//! wasmtime has the same behind its feature `component-model-bytes`.

#![allow(unsafe_code, reason = "the canonical ABI of a type is the type's to say")]

use std::mem::MaybeUninit;

use bytes::Bytes;
use wasmtime::Result;
use wasmtime::component::__internal::{CanonicalAbiInfo, InstanceType, InterfaceType, LowerContext};
use wasmtime::component::{ComponentType, Lower};

/// A `list<u8>` of the contract. They are let go when they are in the guest.
#[derive(Debug)]
pub(super) struct Handed(pub(super) Bytes);

// SAFETY: everything is as the slice has it.
unsafe impl ComponentType for Handed {
    type Lower = <[u8] as ComponentType>::Lower;
    const ABI: CanonicalAbiInfo = <[u8] as ComponentType>::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        <[u8] as ComponentType>::typecheck(ty, types)
    }
}

// SAFETY: as above.
unsafe impl Lower for Handed {
    fn linear_lower_to_flat<T>(
        &self,
        context: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        to: &mut MaybeUninit<Self::Lower>,
    ) -> Result<()> {
        <[u8] as Lower>::linear_lower_to_flat(&self.0, context, ty, to)
    }

    fn linear_lower_to_memory<T>(
        &self,
        context: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        offset: usize,
    ) -> Result<()> {
        <[u8] as Lower>::linear_lower_to_memory(&self.0, context, ty, offset)
    }
}
