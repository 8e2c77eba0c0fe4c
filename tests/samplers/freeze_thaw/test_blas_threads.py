from threadpoolctl import threadpool_info

from hpsearch.samplers.freeze_thaw.blas_threads import one_blas_thread


def threads() -> list[int]:
    return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]


def test_all_blas_libraries_have_one_thread_within_and_their_former_number_after() -> None:
    with one_blas_thread():
        pass  # loads the libraries
    before = threads()
    with one_blas_thread():
        assert set(threads()) == {1}
    assert threads() == before
