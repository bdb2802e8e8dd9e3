"""No image has an instruction that its core lacks, and one that had would be found."""

import itertools
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tiny
from elftools.elf.elffile import ELFFile
from models import KERNELS

from tinykit.core.board import CPUS, board_paths, find_board
from tinykit.core.errors import TinykitError
from tinykit.host import riscv_isa, thumb_isa
from tinykit.host.build import BuildOptions, build
from tinykit.host.isa import _PARTS, check_isa, foreign_instructions
from tinykit.host.toolchain import Source, compile_objects, find_toolchain

# What clang's assembler makes of each line for the core with the most instructions.
THUMB = {
    "Armv6-M": """
        muls r0, r1, r0; ldrsb r0, [r1, r2]; bl there; msr primask, r0; mrs r0, ipsr; dsb; dmb;
        isb; udf #1; udf.w #1; svc #1; bkpt #0; cpsie i; rev16 r0, r1; uxtb r0, r1; bx lr;
        add r8, r9; push {r4, lr}; pop {r4, pc}; ldm r0!, {r1, r2}; stm r0!, {r1}; nop; wfi;
        sev; b there
    """,
    "Thumb-2": """
        cbz r0, there; cpsie f; movw r0, #1; movt r0, #1; add.w r0, r1, r2, lsl #3;
        and r0, r1, #0xff00ff; mul r8, r1, r2; mla r0, r1, r2, r3; mls r0, r1, r2, r3;
        smull r0, r1, r2, r3; umlal r0, r1, r2, r3; smlal r0, r1, r2, r3; sdiv r0, r1, r2;
        udiv r0, r1, r2; clz r0, r1; rbit r0, r1; rev.w r8, r1; ssat r0, #8, r1;
        usat r0, #8, r1, asr #1; sbfx r0, r1, #2, #3; bfi r0, r1, #2, #3; uxtb.w r8, r1;
        sxth.w r0, r1, ror #8; ldrd r0, r1, [r2]; ldrsb r0, [r1, #1]; ldr.w r0, [r1], #4;
        stmdb r0!, {r1, r2}; ldrex r0, [r1]; strex r0, r1, [r2]; tbb [pc, r0];
        tbh [pc, r0, lsl #1]; lsl.w r8, r1, r2; b.w there; beq.w there; nop.w; clrex;
        msr basepri, r0; mvn.w r0, r8; orr.w r0, r1, r2; rsb r0, r8, #0; pld [r0]
    """,
    "DSP": """
        smlad r0, r1, r2, r3; smuad r0, r1, r2; smlsd r0, r1, r2, r3; smlald r0, r1, r2, r3;
        smlsld r0, r1, r2, r3; smlabb r0, r1, r2, r3; smultt r0, r1, r2; smlawb r0, r1, r2, r3;
        smulwt r0, r1, r2; smmul r0, r1, r2; smmulr r0, r1, r2; smmla r0, r1, r2, r3;
        smmls r0, r1, r2, r3; smlalbt r0, r1, r2, r3; umaal r0, r1, r2, r3;
        sxtb16 r0, r1, ror #8; uxtab16 r0, r1, r2; sxtab r0, r1, r2; uxtah r0, r1, r2;
        pkhbt r0, r1, r2; pkhtb r0, r1, r2, asr #16; sadd16 r0, r1, r2; uqsub8 r0, r1, r2;
        shasx r0, r1, r2; qadd r0, r1, r2; qdsub r0, r1, r2; sel r0, r1, r2; ssat16 r0, #8, r1;
        usat16 r0, #8, r1; usad8 r0, r1, r2; usada8 r0, r1, r2, r3
    """,
    "FPU": """
        vadd.f32 s0, s1, s2; vfma.f32 s0, s1, s2; vdiv.f32 s0, s1, s2; vldr s0, [r0];
        vldr d0, [r0]; vpush {d8, d9}; vmov s0, r0; vmov r0, r1, d0; vcmp.f32 s0, s1;
        vcvt.s32.f32 s0, s1; vmrs apsr_nzcv, fpscr; vmov.f32 s0, #1.0
    """,
    "FPv5": """
        vseleq.f32 s0, s1, s2; vmaxnm.f32 s0, s1, s2; vrinta.f32 s0, s1; vcvta.s32.f32 s0, s1
    """,
    "double precision FPU": """
        vadd.f64 d0, d1, d2; vcvt.f64.f32 d0, s0; vmul.f64 d0, d1, d2
    """,
    "Armv8-M": """
        sg; tt r0, r1; bxns lr; blxns r0; lda r0, [r1]; stlb r0, [r1]; ldaex r0, [r1]
    """,
    "Armv8.1-M": """
        csel r0, r1, r2, eq; lsll r0, r1, #3; dls lr, r0; vadd.i8 q0, q1, q2; vmov.i32 q0, #0
    """,
}
RISCV = {
    "I": """
        add x5, x6, x7; sub x5, x6, x7; sra x5, x6, x7; srai x5, x6, 3; slli x5, x6, 31;
        lbu x5, 9(x6); sh x5, 999(x6); lui x5, 9999; auipc x5, 1; jal x5, there;
        jalr x5, 8(x6); bltu x5, x6, there; xori x5, x6, 9; fence; ecall; mret; wfi
    """,
    "M": """
        mul x5, x6, x7; mulhsu x5, x6, x7; div x5, x6, x7; remu x5, x6, x7
    """,
    "A": """
        lr.w x5, (x6); sc.w x5, x6, (x7); amoadd.w x5, x6, (x7)
    """,
    "C": """
        c.addi x5, 1; c.lw x8, 0(x9); c.swsp x5, 4(sp); c.mv x5, x6; c.jr x5; c.j there;
        c.sub x8, x9; c.nop; c.lui x5, 1; c.slli x5, 3; c.beqz x8, there
    """,
    "Zicsr": """
        csrr x5, mstatus; csrw mtvec, x5; csrrsi x5, mie, 1
    """,
    "F or D": """
        flw f0, 0(x5); fadd.s f0, f1, f2; fmadd.d f0, f1, f2, f3; fcvt.w.s x5, f0;
        c.flw f8, 0(x9); c.fsdsp f0, 0(sp)
    """,
    "other": """
        sh1add x5, x6, x7; clz x5, x6; rol x5, x6, x7; andn x5, x6, x7; zext.h x5, x6
    """,
}


def assembled(lines: dict[str, str], flags: list[str], folder: Path) -> dict[str, list[bytes]]:
    """Return the machine code of each line, by the part that it is said to belong to."""
    text: list[str] = []
    found: dict[str, list[str]] = {}
    thumb = "thumb" in flags[1]
    nop = "nop" if thumb else "c.nop"
    for part, code in lines.items():
        for number, line in enumerate(" ".join(code.split()).split("; ")):
            name, label = f"{part.replace(' ', '_')}.{number}", f"there{len(text)}"
            line = line.replace("there", label)
            text.append(f'.section "{name}", "ax"\n{line}\n{nop}\n{label}: {nop}\n')
            found.setdefault(part, []).append(name)
    source = folder / "lines.s"
    source.write_text((".syntax unified\n.thumb\n" if thumb else "") + "".join(text))
    zig = find_toolchain("zig")
    command = [*zig.command, *flags, "-c", str(source), "-o", str(folder / "lines.o")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with (folder / "lines.o").open("rb") as stream:
        file = ELFFile(stream)
        return {
            part: [file.get_section_by_name(name).data()[:-4] for name in names]  # nops
            for part, names in found.items()
        }


@pytest.mark.parametrize(
    ("lines", "flags", "read"),
    [
        (
            THUMB,
            ["-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m55+mve_fp+fp_armv8d16"],
            thumb_isa.read,
        ),
        (
            RISCV,
            ["-target", "riscv32-freestanding-none", "-mcpu=generic_rv32+m+a+c+f+d+zba+zbb"],
            riscv_isa.read,
        ),
    ],
    ids=["thumb", "riscv"],
)
def test_instructions_belong_where_the_manual_has_them(
    lines: dict[str, str], flags: list[str], read: object, tmp_path: Path
) -> None:
    assert callable(read)
    for part, codes in assembled(lines, flags, tmp_path).items():
        for line, code in zip(" ".join(lines[part].split()).split("; "), codes, strict=True):
            halves = struct.unpack(f"<{len(code) // 2}H", code)
            assert read(*halves, *[0] * (2 - len(halves))) == (len(halves), part), line


def test_a_disassembler_agrees_about_dsp_and_floats() -> None:
    capstone = pytest.importorskip("capstone")
    disassembler = capstone.Cs(
        capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS
    )
    disassembler.detail = True
    rng = np.random.default_rng(0)
    firsts = rng.integers(0xE800, 0x10000, 60_000)
    compared = 0
    for first, second in zip(
        firsts.tolist(), rng.integers(0, 0x10000, 60_000).tolist(), strict=True
    ):
        found = next(disassembler.disasm(struct.pack("<HH", first, second), 0), None)
        if found is None or found.size != 4:
            continue
        groups = {disassembler.group_name(group) for group in found.groups}
        size, part = thumb_isa.read(first, second)
        compared += 1
        if "THUMB2DSP" in groups:
            assert (size, part) == (2, "DSP"), found
        if part in ("Armv6-M", "Thumb-2"):
            assert not groups & {"THUMB2DSP", "vfp2", "vfp3", "vfp4", "fparmv8", "neon"}, found
    assert compared > 10_000


def test_every_core_is_known() -> None:
    assert _PARTS.keys() == set(CPUS)


def needs(toolchain: str, board: str) -> None:
    riscv = find_board(board).core == "riscv32"
    name = "riscv64-unknown-elf-gcc" if riscv else "arm-none-eabi-gcc"
    if toolchain == "gcc" and shutil.which(name) is None:
        pytest.skip(f"no {name} here")


# One board of each core by GCC; zig's images of every board are built and checked elsewhere.
USUAL = {
    ("gcc", board) for board in {find_board(name).cpu: name for name in board_paths()}.values()
}


def runs(usual: set[tuple[str, str]]) -> list[object]:
    """Return all toolchains and boards; those that are not usual are for soak only."""
    return [
        pytest.param(*run, marks=() if run in usual else pytest.mark.soak)
        for run in itertools.product(("zig", "gcc"), board_paths())
    ]


@pytest.mark.parametrize(("toolchain", "board"), runs(USUAL))
def test_an_image_keeps_to_its_core(toolchain: str, board: str, tmp_path: Path) -> None:
    needs(toolchain, board)
    options = BuildOptions(toolchain=toolchain, optimize="speed")

    build(tiny.image(), "image.tflite", find_board(board), options, tmp_path / "build")

    assert list(foreign_instructions(tmp_path / "build" / "firmware.elf", find_board(board))) == []


# Those of four cores are checked in CI by tests/embedded.py.
@pytest.mark.parametrize(("toolchain", "board"), runs(set()))
def test_every_kernel_keeps_to_the_core(toolchain: str, board: str, tmp_path: Path) -> None:
    needs(toolchain, board)
    facts = find_board(board)
    sources = [Source(path, "balanced") for path in sorted(KERNELS.glob("*.[cS]"))]

    objects = compile_objects(find_toolchain(toolchain, facts.core), facts, sources, tmp_path)

    for name in objects:
        assert list(foreign_instructions(tmp_path / name, facts)) == [], name


@pytest.mark.parametrize("other", ["microbit", "qemu_an385"])
def test_an_image_for_cortex_m4_is_refused_on_a_smaller_core(other: str, image_build: Path) -> None:
    elf = image_build / "firmware.elf"
    check_isa(elf, find_board("nano33"))

    with pytest.raises(TinykitError) as error:
        check_isa(elf, find_board(other))

    assert error.value.message.endswith(f"{other}'s {find_board(other).cpu} lacks it")
    parts = {found.part for found in foreign_instructions(elf, find_board(other))}
    assert parts == {"DSP", "FPU"} | ({"Thumb-2"} if other == "microbit" else set())
