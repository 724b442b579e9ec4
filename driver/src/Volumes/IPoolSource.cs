namespace CsiThin.Driver.Volumes;

/// <summary>Where the pools come from: this process, or an engine that may come back with others.</summary>
internal interface IPoolSource
{
    /// <summary>The pools there are at this moment. Each verb asks once and goes by the answer.</summary>
    Task<PoolSet> GetPoolsAsync(CancellationToken cancellation);
}
