using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>The device details of one thin device, as the details tree has them (changes of this transaction included).</summary>
/// <param name="Id">Its id in the pool.</param>
/// <param name="MappedBlocks">Data blocks mapped, shared ones included.</param>
/// <param name="TransactionId">The pool's transaction id when it was made.</param>
/// <param name="CreationTime">The pool's time when it was made.</param>
/// <param name="SnapshottedTime">The pool's time when it was last part of a snapshot.</param>
public sealed record ThinDeviceInfo(ThinId Id, ulong MappedBlocks, ulong TransactionId, uint CreationTime, uint SnapshottedTime);
