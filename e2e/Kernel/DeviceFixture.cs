namespace CsiThin.EndToEnd.Kernel;

/// <summary>One <see cref="DeviceGuest"/> for all tests of a class.</summary>
public sealed class DeviceFixture : IDisposable
{
    internal DeviceGuest Guest { get; } = new();

    /// <inheritdoc/>
    public void Dispose() => Guest.Dispose();
}
