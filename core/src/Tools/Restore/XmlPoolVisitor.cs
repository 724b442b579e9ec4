using CsiThin.Core.Format;

namespace CsiThin.Core.Tools.Restore;

/// <summary>
/// The attributes of the superblock element. Flags that are not there are none; a version that is not there is the present one.
/// </summary>
internal sealed record XmlSuperblock(
    uint Time, ulong TransactionId, uint Flags, uint Version, uint DataBlockSectors, ulong DataBlocks, bool HasMetadataSnapshot);

/// <summary>
/// Told of a pool's parts in the order of the text. Elements come only where they may; what they mean is the visitor's to judge.
/// </summary>
internal interface IXmlPoolVisitor
{
    void Superblock(XmlSuperblock superblock);

    /// <summary>Mappings that devices refer to by a name begin.</summary>
    void BeginDef(string name);

    void EndDef();

    void BeginDevice(uint id, DeviceDetails details);

    void EndDevice();

    /// <summary>Mappings of the device or the named part that was begun last.</summary>
    void Map(ulong begin, ulong dataBegin, ulong length, uint time);

    /// <summary>All mappings of a named part, within a device.</summary>
    void Refer(string name);
}
