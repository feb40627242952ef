package gate

import com.sun.jna.Callback
import com.sun.jna.Library
import com.sun.jna.Native
import com.sun.jna.Pointer
import com.sun.jna.ptr.PointerByReference

/**
 * The part of LiteRT 2.3.0's C interface that runs a model; its own names, of `litert/c/`:
 * litert_environment.h, litert_model.h, litert_options.h, litert_opaque_options.h,
 * litert_compiled_model.h, litert_tensor_buffer.h. `size_t` is a Long, on 64 bits.
 */
@Suppress("ktlint:standard:function-naming", "FunctionName")
internal interface LiteRtLibrary : Library {
    fun LiteRtCreateEnvironment(
        optionCount: Int,
        options: Pointer?,
        environment: PointerByReference,
    ): Int

    fun LiteRtDestroyEnvironment(environment: Pointer)

    fun LiteRtCreateModelFromFile(
        environment: Pointer,
        file: String,
        model: PointerByReference,
    ): Int

    fun LiteRtDestroyModel(model: Pointer)

    fun LiteRtGetNumModelSignatures(
        model: Pointer,
        count: LongArray,
    ): Int

    fun LiteRtGetModelSignature(
        model: Pointer,
        index: Long,
        signature: PointerByReference,
    ): Int

    fun LiteRtGetNumSignatureInputs(
        signature: Pointer,
        count: LongArray,
    ): Int

    fun LiteRtGetNumSignatureOutputs(
        signature: Pointer,
        count: LongArray,
    ): Int

    fun LiteRtGetSignatureInputTensorByIndex(
        signature: Pointer,
        index: Long,
        tensor: PointerByReference,
    ): Int

    fun LiteRtGetSignatureOutputTensorByIndex(
        signature: Pointer,
        index: Long,
        tensor: PointerByReference,
    ): Int

    fun LiteRtGetTensorName(
        tensor: Pointer,
        name: PointerByReference,
    ): Int

    fun LiteRtGetRankedTensorType(
        tensor: Pointer,
        type: Pointer,
    ): Int

    fun LiteRtCreateOptions(options: PointerByReference): Int

    fun LiteRtDestroyOptions(options: Pointer)

    fun LiteRtSetOptionsHardwareAccelerators(
        options: Pointer,
        accelerators: Int,
    ): Int

    fun LiteRtCreateOpaqueOptions(
        identifier: String,
        payload: Pointer,
        destructor: Destructor,
        opaque: PointerByReference,
    ): Int

    fun LiteRtAddOpaqueOptions(
        options: Pointer,
        opaque: Pointer,
    ): Int

    fun LiteRtCreateCompiledModel(
        environment: Pointer,
        model: Pointer,
        options: Pointer,
        compiled: PointerByReference,
    ): Int

    fun LiteRtDestroyCompiledModel(compiled: Pointer)

    fun LiteRtGetCompiledModelInputBufferRequirements(
        compiled: Pointer,
        signature: Long,
        index: Long,
        requirements: PointerByReference,
    ): Int

    fun LiteRtGetCompiledModelOutputBufferRequirements(
        compiled: Pointer,
        signature: Long,
        index: Long,
        requirements: PointerByReference,
    ): Int

    fun LiteRtRunCompiledModel(
        compiled: Pointer,
        signature: Long,
        inputCount: Long,
        inputs: Array<Pointer>,
        outputCount: Long,
        outputs: Array<Pointer>,
    ): Int

    fun LiteRtCreateManagedTensorBufferFromRequirements(
        environment: Pointer,
        type: Pointer,
        requirements: Pointer,
        buffer: PointerByReference,
    ): Int

    fun LiteRtGetTensorBufferPackedSize(
        buffer: Pointer,
        bytes: LongArray,
    ): Int

    fun LiteRtLockTensorBuffer(
        buffer: Pointer,
        memory: PointerByReference,
        mode: Int,
    ): Int

    fun LiteRtUnlockTensorBuffer(buffer: Pointer): Int

    fun LiteRtDestroyTensorBuffer(buffer: Pointer)

    fun interface Destructor : Callback {
        fun invoke(payload: Pointer)
    }

    companion object {
        /** The shared library of the PyPI wheel (-Dlitert=/its/path). */
        val loaded: LiteRtLibrary by lazy {
            Native.load(System.getProperty("litert"), LiteRtLibrary::class.java)
        }
    }
}
