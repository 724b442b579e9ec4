using CsiThin.Core.Device;
using CsiThin.Core.Device.Probe;
using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Node;

/// <summary>
/// Decides whether a volume gets a file system, and makes it. Data has been destroyed again and again by "nothing was found, so mkfs";
/// here nothing that is found, or not found, on the device leads to mkfs:
/// <list type="number">
/// <item>The engine says that the volume was never written, or is provably zero where file systems live: mkfs.</item>
/// <item>It holds the file system asked for: mount. It holds something else: refused, naming both.</item>
/// <item>It holds what nobody knows: refused, unless our own record says that a mkfs of ours was at work on it and had not ended. That
/// record is durable before mkfs starts and gone before the first mount, so that no user's byte can be there.</item>
/// <item>The record stands and the file system is there: mkfs had ended, or nearly. One that was never mounted is made anew; one of which
/// that is not known must pass its own check. The record may be old and the disk have been used elsewhere meanwhile.</item>
/// </list>
/// Concurrency: the caller holds the volume's lock.
/// </summary>
internal sealed partial class VolumeFormatter(
    INodeEngine engine, HostPrograms programs, NodeState state, TimeProvider time, ILogger<VolumeFormatter> log)
{
    /// <summary>
    /// Makes sure that there is a file system to mount on the device, and returns it with its first bytes.
    /// <see cref="VolumeError.Incompatible"/> when there is not and must not be.
    /// </summary>
    public async Task<(IFileSystem FileSystem, byte[] Head)> PrepareAsync(
        VolumeInfo volume, AttachedDevice device, VolumeAccess access)
    {
        var what = Describe.Thing(volume.Kind, volume.Name);
        var wanted = access.FileSystem.Length > 0 ? FileSystems.ByName(what, access.FileSystem) : null;
        var content = await engine.InspectContentAsync(volume.Id, CancellationToken.None).ConfigureAwait(false);
        var canFormat = volume.Kind == VolumeKind.Volume && !access.IsReadOnly;
        if (content != VolumeContent.HoldsData)
        {
            if (!canFormat)
                throw new VolumeException(
                    VolumeError.Incompatible, $"{what} is empty and is to be mounted read-only: there is no file system on it");
            return await FormatAsync(what, volume, device, wanted ?? FileSystems.ByName(what, FileSystems.Default), content)
                .ConfigureAwait(false);
        }

        var found = DeviceHead.Read(what, device.Path);
        var begun = state.Of(volume.Id).FormatBegun;
        var fileSystem = await ChooseAsync(what, found, wanted, begun, device).ConfigureAwait(false);
        if (fileSystem is null)
            return canFormat
                ? await FormatAsync(what, volume, device, wanted ?? FileSystems.ByName(what, begun!), content).ConfigureAwait(false)
                : throw Unknown(what, found.Content);
        if (begun is not null)
            state.Change(volume.Id, record => record with { FormatBegun = null });
        if (volume.Kind == VolumeKind.Volume)
            await MakeMountableAsync(what, volume, device, fileSystem, found.Head).ConfigureAwait(false);
        return (fileSystem, found.Head);
    }

    /// <summary>The file system to mount; null when a mkfs of ours was interrupted and is to be done again.</summary>
    private async Task<IFileSystem?> ChooseAsync(
        string what, DeviceHead found, IFileSystem? wanted, string? begun, AttachedDevice device)
    {
        if (found.FileSystem is not { } there)
        {
            // What mkfs leaves half done looks like nothing known, or like zeroes: another known thing was not left by it.
            if (begun is not null && found.IsUnknown)
                return null;
            throw found.IsUnknown
                ? Unknown(what, found.Content)
                : Differs(what, found.Content.Description, wanted?.Name ?? "a file system");
        }
        if (begun is null)
            return wanted is null || wanted == there ? there : throw Differs(what, there.Signature, wanted.Name);
        if (there.WasNeverMounted(found.Head))
            return null;
        await programs.RunAsync(
            $"{what}: its file system may be incomplete, for mkfs was interrupted, and it does not pass its check; " +
            "look at it by hand, or delete the volume if nothing was ever stored in it",
            there.Verify(device.Path)).ConfigureAwait(false);
        return wanted is null || wanted == there ? there : throw Differs(what, there.Signature, wanted.Name);
    }

    private async Task<(IFileSystem FileSystem, byte[] Head)> FormatAsync(
        string what, VolumeInfo volume, AttachedDevice device, IFileSystem fileSystem, VolumeContent content)
    {
        var options = volume.Parameters.TryGetValue(ParameterRules.MkfsOptions, out var text) ? ParameterRules.SplitOptions(text) : [];
        state.Change(volume.Id, record => record with { FormatBegun = fileSystem.Name });
        var again = content == VolumeContent.HoldsData ? ", again: the last time it was interrupted" : "";
        LogFormatting(log, what, fileSystem.Name, device.Path, again);
        await programs.RunAsync(what, fileSystem.Format(device.Path, content == VolumeContent.Unwritten, options)).ConfigureAwait(false);
        MakeDurable(what, device.Path);
        var made = DeviceHead.Read(what, device.Path);
        if (made.FileSystem != fileSystem)
            throw new VolumeException(
                VolumeError.HostFailed,
                $"{what}: mkfs said it has made {fileSystem.Name}, but the device shows {made.Content}");
        state.Change(volume.Id, record => record with { FormatBegun = null });
        return (fileSystem, made.Head);
    }

    private async Task MakeMountableAsync(string what, VolumeInfo volume, AttachedDevice device, IFileSystem fileSystem, byte[] head)
    {
        if (fileSystem.Check(device.Path, head, time.GetUtcNow()) is { } check)
        {
            LogChecking(log, what, check.Program, device.Path);
            await programs.RunAsync($"{what}: its file system has errors that a person must look at", check).ConfigureAwait(false);
        }
        if (volume.Source is null)
            return;
        try
        {
            fileSystem.Separate(device.Path, volume.Id);
        }
        catch (DiskException failure)
        {
            throw new VolumeException(
                VolumeError.HostFailed, $"{what} cannot be made ready to be mounted beside its origin: {failure.Message}");
        }
    }

    /// <summary>The record of an unfinished mkfs goes only when what it made survives a power cut.</summary>
    private static void MakeDurable(string what, string device)
    {
        try
        {
            using var disk = FileDisk.Open(device);
            disk.Barrier();
        }
        catch (DiskException failure)
        {
            throw new VolumeException(VolumeError.Unavailable, $"{what}: the new file system is not durable: {failure.Message}");
        }
    }

    private static VolumeException Differs(string what, string found, string wanted) =>
        new(VolumeError.Incompatible, $"{what} holds {found}, not {wanted}; what is there is never overwritten");

    private static VolumeException Unknown(string what, DiskContent content) => new(
        VolumeError.Incompatible,
        $"{what} holds data but no file system known here ({content}); it is never formatted. If nothing of value is on it " +
        "(a mkfs may have been interrupted on another node), delete the volume and make it anew, or make a file system by hand");

    [LoggerMessage(1, LogLevel.Information, "{What}: making {FileSystem} on {Device}{Again}")]
    private static partial void LogFormatting(ILogger logger, string what, string fileSystem, string device, string again);

    [LoggerMessage(2, LogLevel.Information, "{What}: its file system asks for a check, {Program} runs on {Device}")]
    private static partial void LogChecking(ILogger logger, string what, string program, string device);
}
