using System.Buffers.Binary;
using CsiThin.Core.Format;
using CsiThin.Core.Pool;
using CsiThin.Driver.Node;
using CsiThin.Driver.Tests.Control;
using CsiThin.Driver.Volumes;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace CsiThin.Driver.Tests.Node;

/// <summary>A formatter whose device is a file and whose mkfs is a script that leaves a superblock there.</summary>
internal sealed class FormatterFixture : IDisposable
{
    private static readonly VolumeId s_id = new(Guid.Parse("0123456789abcdef0123456789abcdef"), 7);
    private readonly string _directory = Directory.CreateTempSubdirectory("csithin-format-").FullName;

    public FormatterFixture()
    {
        using (var file = new FileStream(DevicePath, FileMode.CreateNew))
            file.SetLength(4 << 20);
        foreach (var (name, content) in new[] { ("ext4", Ext4Head()), ("xfs", XfsHead()) })
        {
            var image = Path.Combine(_directory, $"{name}.image");
            File.WriteAllBytes(image, content);
            Scripts.With($"mkfs.{name}", $"dd if={image} of=$last conv=notrunc status=none");
        }
        State = new NodeState(Path.Combine(_directory, "state"), NullLogger.Instance);
    }

    public ScriptedPrograms Scripts { get; } = new();

    public FakeNodeEngine Engine { get; } = new();

    public NodeState State { get; private set; }

    public string DevicePath => Path.Combine(_directory, "device");

    public static VolumeId Id => s_id;

    /// <summary>A superblock of ext4; the defaults are those of one that mkfs has just made.</summary>
    public static byte[] Ext4Head(ushort state = 1, uint mountTime = 0)
    {
        var head = new byte[128 << 10];
        var super = head.AsSpan(1024);
        BinaryPrimitives.WriteUInt32LittleEndian(super[0x04..], 1024);
        BinaryPrimitives.WriteUInt32LittleEndian(super[0x18..], 2);
        BinaryPrimitives.WriteUInt32LittleEndian(super[0x2C..], mountTime);
        BinaryPrimitives.WriteInt16LittleEndian(super[0x36..], -1);
        BinaryPrimitives.WriteUInt16LittleEndian(super[0x38..], 0xEF53);
        BinaryPrimitives.WriteUInt16LittleEndian(super[0x3A..], state);
        BinaryPrimitives.WriteUInt32LittleEndian(super[0x60..], 0x2C2);
        return head;
    }

    /// <summary>A superblock of XFS.</summary>
    public static byte[] XfsHead(byte inProgress = 0)
    {
        var head = new byte[128 << 10];
        "XFSB"u8.CopyTo(head);
        BinaryPrimitives.WriteUInt32BigEndian(head.AsSpan(4), 4096);
        BinaryPrimitives.WriteUInt64BigEndian(head.AsSpan(8), 1024);
        head[126] = inProgress;
        return head;
    }

    /// <summary>Puts bytes on the device, behind the driver's back.</summary>
    public void Write(ReadOnlySpan<byte> content)
    {
        using var file = new FileStream(DevicePath, FileMode.Open);
        file.Write(content);
    }

    /// <summary>The node dies and starts again.</summary>
    public void Restart() => State = new NodeState(Path.Combine(_directory, "state"), NullLogger.Instance);

    public async Task<string> Prepare(
        string fileSystem = "", bool readOnly = false, VolumeKind kind = VolumeKind.Volume, string? mkfsOptions = null,
        bool isClone = false)
    {
        var formatter = new VolumeFormatter(
            Engine, Scripts.Programs, State, TimeProvider.System, NullLogger<VolumeFormatter>.Instance);
        var volume = new VolumeInfo
        {
            Id = s_id,
            Name = "web",
            Kind = kind,
            ThinId = new ThinId(7),
            SizeBytes = 4 << 20,
            Source = isClone ? s_id with { Number = 1 } : null,
            Parameters = mkfsOptions is null ? [] : new Dictionary<string, string> { [ParameterRules.MkfsOptions] = mkfsOptions },
            CreatedAt = DateTimeOffset.UnixEpoch,
        };
        var device = new AttachedDevice(s_id, DevicePath, 43, 0, readOnly, 4 << 20, 512);
        var access = new VolumeAccess { FileSystem = fileSystem, MountFlags = readOnly ? ["ro"] : [] };
        return (await formatter.PrepareAsync(volume, device, access)).FileSystem.Name;
    }

    public static async Task<string> Refused(VolumeError error, Func<Task> action)
    {
        var refusal = await Assert.ThrowsAsync<VolumeException>(action);
        Assert.Equal(error, refusal.Error);
        return refusal.Message;
    }

    public void Dispose()
    {
        Scripts.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
