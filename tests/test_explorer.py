"""The interactive figure, in a real Chromium, against the package's own numbers."""

from __future__ import annotations

import json
import math
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from browsers import chromium, served, watched
from playwright.sync_api import Page, expect
from scipy.optimize import nnls

from marginflow.experiments.perceptron import PerceptronSpec, run_perceptron
from marginflow.flows import RULES, AdaptiveFlow
from marginflow.kkt import perceptron_kkt_points
from marginflow.optim import GeneralizedAdadelta

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "book" / "_static" / "explorer"
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>t</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="explorer/explorer.css">
<script type="module" src="explorer/explorer.js"></script></head>
<body><main>{}</main></body></html>"""
TRAINS = PAGE.replace("explorer.js", "experiment.js")

pytestmark = pytest.mark.site

W0 = [-0.5, 1.0]
Z = [[2.3, 1.2], [1.5, 2.2], [0.7, 2.6], [1.1, 1.3], [2.6, 1.1], [1.5, 2.6]]
CHOICES = {
    "isotropic": {"skew": 1, "size": 1, "beta0": [1, 1], "rho": 0.9},
    "skewed": {"skew": 30, "size": 0.01, "beta0": [1, 1], "rho": 0.9},
    "far start": {"skew": 0.1, "size": 0.1, "beta0": [8, 0.125], "rho": 0.99},
    "all forgotten": {"skew": 100, "size": 1, "beta0": [0.5, 4], "rho": 0},
}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("figure")
    shutil.copytree(SOURCE, folder / "explorer")
    figure = (SOURCE / "figure.html").read_text(encoding="utf-8")
    (folder / "index.html").write_text(PAGE.format(figure), encoding="utf-8")
    with chromium() as browser, served(folder) as address:
        page = browser.new_page(viewport={"width": 1280, "height": 1400})
        found = watched(page, address)
        page.goto(f"{address}/index.html")
        page.evaluate(
            "import('/explorer/flow.js').then(module => { window.flowjs = module })"
        )
        page.wait_for_function("window.flowjs")
        yield page
        assert found == []


def hyperparameters(page: Page, choice: dict) -> dict:
    return page.evaluate("choice => flowjs.hyperparameters(choice)", choice)


def max_margin(page: Page, z: list, chi2: list) -> dict | None:
    return page.evaluate("([z, chi2]) => flowjs.maxMargin(z, chi2)", [z, chi2])


def least_distance(z: np.ndarray, chi2: np.ndarray) -> np.ndarray | None:
    """The same minimizer by non-negative least squares (Lawson and Hanson)."""
    a = z * np.sqrt(chi2)
    system = np.vstack([a.T, np.ones(len(a))])
    u, _ = nnls(system, np.array([0.0, 0.0, 1.0]))
    r = system @ u - [0.0, 0.0, 1.0]
    return None if -r[2] < 1e-12 else -r[:2] / r[2] * np.sqrt(chi2)


# The mathematics --------------------------------------------------------------------


@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES)
def test_hyperparameters_give_the_chosen_skew_and_beta(page, choice) -> None:
    hyper = {k: np.array(v) for k, v in hyperparameters(page, choice).items()}
    delta, epsilon, g0, h0 = (hyper[k] for k in ("delta", "epsilon", "g0", "h0"))
    quotient = delta / epsilon
    assert quotient[0] / quotient[1] == pytest.approx(choice["skew"], rel=1e-12)
    assert np.sqrt(delta * epsilon) == pytest.approx([choice["size"]] * 2, rel=1e-12)
    beta = np.sqrt((1 + h0 / epsilon) / (1 + g0 / delta))
    assert beta == pytest.approx(choice["beta0"], rel=1e-12)
    assert hyper["chi2"] == pytest.approx(np.sqrt(epsilon / delta), rel=1e-12)
    assert min(g0.min(), h0.min()) >= 0  # Assumption 2 (ii)


def test_prediction_is_the_quadratic_programs_minimizer(page) -> None:
    generator = np.random.default_rng(5)
    separable = 0
    for _ in range(200):
        n = generator.integers(1, 9)
        z = generator.normal(size=(n, 2)) + generator.uniform(0, 2, size=2)
        chi2 = 10 ** generator.uniform(-1, 1, size=2)
        exact = least_distance(z, chi2)
        found = max_margin(page, z.tolist(), chi2.tolist())
        assert (found is None) == (exact is None)
        if exact is not None:
            separable += 1
            np.testing.assert_allclose(found["w"], exact, rtol=1e-7)
    assert 50 < separable < 195  # both cases have been met


def package_flow(hyper: dict, log_t_end: float = 1e4):
    """What the package says of the same rule, from the same start."""
    flow = AdaptiveFlow(
        lambda w, x: x @ w, Z, np.ones(len(Z)), rule=hyper["rule"],
        rho=hyper["rho"], delta=np.array(hyper["delta"]),
        epsilon=np.array(hyper["epsilon"]),
    )  # fmt: skip
    return flow.integrate(
        np.array(W0), np.array(hyper["g0"]), np.array(hyper["h0"]), log_t_end=log_t_end
    )


@pytest.mark.parametrize(
    ("name", "rule"),
    [*((name, "adadelta") for name in CHOICES), *(("skewed", r) for r in RULES[1:])],
)
def test_flow_is_the_packages_flow(page, name, rule) -> None:
    choice = CHOICES[name]
    hyper = hyperparameters(page, choice | {"rule": rule})
    states = page.evaluate(
        "([z, w0, hyper]) => flowjs.flow(z, w0, hyper)", [Z, W0, hyper]
    )
    trajectory = package_flow(hyper)
    sigma = np.array([state["logt"] for state in states])
    assert sigma[0] == 0
    assert sigma[-1] == pytest.approx(1e4, rel=1e-12)
    with np.errstate(divide="ignore"):
        log_t = sigma + np.log(-np.expm1(-sigma))
    exact = trajectory.at(log_t=np.minimum(log_t, 1e4))
    w = np.array([state["w"] for state in states])
    error = np.linalg.norm(w - exact.w, axis=1) / np.maximum(
        1, np.linalg.norm(exact.w, axis=1)
    )
    assert error.max() < 1e-5
    beta = np.array([state["beta"] for state in states])
    np.testing.assert_allclose(beta, exact.beta, rtol=1e-5)
    # It ends where Theorem 2 or 4 says; a wrong skew would be told from it.
    end = math.degrees(math.atan2(*w[-1][::-1]))
    limit = page.evaluate("([h, s]) => flowjs.limit(h, s)", [hyper, states])
    predicted = max_margin(page, Z, limit)["w"]
    assert abs(end - math.degrees(math.atan2(*predicted[::-1]))) < 0.2
    if choice["skew"] != 1 and rule == "adadelta":
        plain = max_margin(page, Z, [1, 1])["w"]
        assert abs(end - math.degrees(math.atan2(*plain[::-1]))) > 5


@pytest.mark.parametrize("eta", [0.05, 1.0])
@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES)
def test_run_is_the_optimizers_run(page, choice, eta) -> None:
    steps = 300
    hyper = hyperparameters(page, choice)
    states = page.evaluate(
        "([z, w0, hyper, eta, n]) => flowjs.procedure(z, w0, hyper, eta, n)",
        [Z, W0, hyper, eta, steps],
    )
    tensor = {
        k: torch.tensor(hyper[k], dtype=torch.float64)
        for k in ("delta", "epsilon", "g0", "h0")
    }
    w = torch.nn.Parameter(torch.tensor(W0, dtype=torch.float64))
    z = torch.tensor(Z, dtype=torch.float64)
    optimizer = GeneralizedAdadelta(
        [w], lr=eta, rho=1 - eta * (1 - choice["rho"]),
        delta=tensor["delta"], epsilon=tensor["epsilon"],
    )  # fmt: skip
    optimizer.set_averages(w, tensor["g0"], tensor["h0"])
    for _ in range(steps):
        optimizer.zero_grad()
        torch.exp(-z @ w).sum().backward()
        optimizer.step()
    last = states[-1]
    assert last["logt"] == pytest.approx(math.log1p(steps * eta), rel=1e-12)
    np.testing.assert_allclose(last["w"], w.detach().numpy(), rtol=1e-9)


@pytest.mark.parametrize("rule", RULES)
def test_runs_of_all_rules_tend_to_their_flows(page, rule) -> None:
    """Halving the step halves the distance; the other rules' runs are far off."""
    hyper = hyperparameters(page, {**CHOICES["skewed"], "size": 1, "rule": rule})
    exact = package_flow(hyper, math.log(20)).w[-1]

    def far(rule: str, eta: float) -> float:
        run = page.evaluate(
            "([z, w0, h, eta, n]) => flowjs.procedure(z, w0, h, eta, n).at(-1).w",
            [Z, W0, hyper | {"rule": rule}, eta, round(20 / eta)],
        )
        return float(np.linalg.norm(run - exact))

    assert far(rule, 0.002) / far(rule, 0.004) == pytest.approx(0.5, abs=0.05)
    others = [far(other, 0.002) for other in RULES if other != rule]
    assert min(others) > 10 * far(rule, 0.002)


def test_planted_errors_are_told_from_the_flow(page) -> None:
    """A wrong power of the skew, and ρ in the place of ρ_k, do not go unnoticed."""
    hyper = hyperparameters(page, CHOICES["skewed"])
    call = "([z, w0, hyper]) => flowjs.flow(z, w0, hyper).at(-1).w"
    right = page.evaluate(call, [Z, W0, hyper])
    wrong = page.evaluate(
        call, [Z, W0, {**hyper, "chi2": [c**2 for c in hyper["chi2"]]}]
    )
    assert np.abs(np.array(right) - wrong).max() / np.abs(right).max() > 1e-3
    run = "([z, w0, hyper]) => flowjs.procedure(z, w0, hyper, 0.05, 300).at(-1).w"
    right = page.evaluate(run, [Z, W0, hyper])
    wrong = page.evaluate(run, [Z, W0, {**hyper, "rho": 1 - (1 - hyper["rho"]) / 0.05}])
    assert np.abs(np.array(right) - wrong).max() > 1e-3


# The figure -------------------------------------------------------------------------


def settle(page: Page) -> None:
    """Wait until the figure has drawn and announced the latest change."""
    page.locator(".mfx-verdict[aria-busy=false]").wait_for()


def preset(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()
    settle(page)


def number(page: Page, row: str, column: int = 0) -> float:
    cell = page.locator(f"[data-row={row}] td").nth(column)
    return float(cell.inner_text().replace("−", "-").rstrip("°"))


def test_presets_tell_the_paper_in_a_minute(page) -> None:
    preset(page, "Isotropic")
    plain = number(page, "plain")
    assert number(page, "predicted") == plain
    assert number(page, "flow") == pytest.approx(plain, abs=0.05)

    preset(page, "Skewed")
    skewed = number(page, "predicted")
    assert abs(skewed - plain) > 10
    assert number(page, "flow") == pytest.approx(skewed, abs=0.05)
    assert number(page, "flow", 2) < number(page, "plain", 2)  # the margin's price

    preset(page, "Far start")
    assert number(page, "predicted") == skewed
    assert number(page, "flow") == pytest.approx(skewed, abs=0.1)
    page.get_by_label("Time").fill("2")  # on the way, log t = 99, it is elsewhere
    settle(page)
    assert abs(number(page, "flow") - skewed) > 1

    preset(page, "Large step")
    assert "Its β is 1 at all times" in page.locator(".mfx-verdict").inner_text()
    assert number(page, "flow") == pytest.approx(skewed, abs=0.05)

    preset(page, "Nothing forgotten")
    assert abs(number(page, "flow") - number(page, "predicted")) > 10
    assert "breaks Assumption 2 (i)" in page.locator(".mfx-verdict").inner_text()


def test_a_dragged_point_moves_the_prediction(page) -> None:
    preset(page, "Isotropic")
    before = number(page, "predicted")
    box = page.locator(".mfx-point").nth(4).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 10, y + 30, steps=5)
    page.mouse.up()
    settle(page)
    assert abs(number(page, "predicted") - before) > 3
    assert number(page, "flow") == pytest.approx(number(page, "predicted"), abs=0.2)
    page.get_by_role("button", name="Reset", exact=True).click()
    settle(page)
    assert number(page, "predicted") == before


def test_a_finger_drags_as_a_mouse_does(page) -> None:
    touch = page.context.browser.new_page(
        viewport={"width": 390, "height": 844}, has_touch=True
    )
    found = watched(touch, page.evaluate("location.origin"))
    touch.goto(page.url)
    settle(touch)
    before = number(touch, "predicted")
    point = touch.locator(".mfx-point").nth(4)
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    assert min(box["width"], box["height"]) >= 24  # WCAG 2.2, target size
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch.evaluate(
        "addEventListener('pointercancel', () => { document.title = 'cancelled' })"
    )
    send = touch.context.new_cdp_session(touch).send
    # A browser that takes the finger for a scroll says so after some moves only.
    moves = [("touchMove", 3 * k) for k in range(1, 11)]
    for kind, dy in [("touchStart", 0), *moves]:
        send(
            "Input.dispatchTouchEvent",
            {"type": kind, "touchPoints": [{"x": x, "y": y + dy}]},
        )
    send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    # It was at −1.30, and 30 pixels are 0.89: most of the moves have counted, once the
    # browser has told of them (under load the page may still shift by some pixels).
    touch.wait_for_function(
        """() => {
          const told = document.querySelectorAll('.mfx-point')[4].ariaLabel;
          return Number(told.match(/−([\\d.]+)\\)/)?.[1]) > 1.7;
        }"""
    )
    settle(touch)
    assert touch.title() != "cancelled"
    assert number(touch, "predicted") != before
    assert touch.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
    assert found == []
    touch.close()


def test_the_verdict_stands_beside_the_picture(page) -> None:
    line = page.locator(".mfx-headline")
    preset(page, "Skewed")
    aim = page.locator("[data-row=predicted] td").first.inner_text()
    assert line.inner_text().endswith(f"Theorem 2 predicts {aim}.")
    preset(page, "Nothing forgotten")
    assert "ρ = 1 breaks an assumption" in line.inner_text()
    ends = [line.bounding_box(), page.locator(".mfx-plane").bounding_box()]
    assert ends[0]["y"] < ends[1]["y"]


def test_without_scripts_there_is_a_still_and_no_dead_control(page) -> None:
    bare = page.context.browser.new_context(java_script_enabled=False)
    other = bare.new_page()
    other.goto(page.url)
    assert "by JavaScript" in other.locator(".mfx-waiting").inner_text()
    assert other.locator("#explorer img").get_attribute("alt")
    for control in other.locator("#explorer :is(button, input, table)").all():
        assert control.is_hidden()
    bare.close()


def test_words_tell_what_is_shown(page) -> None:
    """A caption of a preset that was left, an end that has no time, a bare "That"."""
    verdict, caption = page.locator(".mfx-verdict"), page.locator(".mfx-caption")
    preset(page, "Nothing forgotten")
    assert "The predicted direction is also the max-margin" in verdict.inner_text()
    preset(page, "Large step")
    assert "The same skew with the step" in caption.inner_text()
    assert "the value of the run’s β that is farthest from 1 is" in verdict.inner_text()
    cut = page.evaluate(
        """() => [...document.querySelectorAll('.mfx svg text')].filter(text => {
        const [a, b] = [text, text.ownerSVGElement].map(e => e.getBoundingClientRect());
        return a.left < b.left - 0.5 || a.right > b.right + 0.5; })
        .map(text => text.textContent)"""
    )
    assert cut == []
    page.locator(".mfx-point").nth(4).press("ArrowUp")
    settle(page)
    assert caption.inner_text() == "Your own choice. A preset puts everything back."
    for _ in range(6):
        page.locator(".mfx-point").nth(4).press("Shift+ArrowUp")
        page.locator(".mfx-point").nth(4).press("Shift+ArrowRight")
    settle(page)
    assert re.fullmatch(
        r"log t = [\d.]+, its end", page.locator("output[for=mfx-time]").inner_text()
    )
    for kind in ("flow", "run"):  # each arrow has its own time at its tip
        tip = page.locator(f"text.mfx-name.mfx-{kind}").text_content()
        assert re.fullmatch(rf"{kind}, log t = [\d.]+", tip)
    preset(page, "Isotropic")


def test_no_name_at_an_arrow_lies_on_a_point(page) -> None:
    for name in ("Isotropic", "Skewed", "Far start β(0)", "Large step"):
        preset(page, name)
        settle(page)
        met = page.evaluate(
            """() => { const all = s => [...document.querySelectorAll(s)]
              .map(e => e.getBoundingClientRect()).filter(b => b.width);
            return all('.mfx-plane .mfx-mark').filter(p => all('.mfx-plane .mfx-name')
              .some(n => n.left < p.right && p.left < n.right
                && n.top < p.bottom && p.top < n.bottom)).length; }"""
        )
        assert met == 0, name


def test_keys_move_points_until_nothing_separates_them(page) -> None:
    preset(page, "Isotropic")
    point = page.locator(".mfx-point").nth(4)
    point.focus()
    for _ in range(6):
        page.keyboard.press("Shift+ArrowUp")
        page.keyboard.press("Shift+ArrowRight")
    settle(page)
    verdict = page.locator(".mfx-verdict")
    assert "Assumption 2 (iii) fails" in verdict.inner_text()
    assert "none" in page.locator("[data-row=predicted]").inner_text()
    page.get_by_label("Step").fill("0.7")
    settle(page)
    assert "The run diverges" in verdict.inner_text()
    assert "NaN" not in page.locator("#explorer").evaluate("e => e.innerHTML")
    assert verdict.get_attribute("aria-live") == "polite"
    assert "arrow keys" in point.get_attribute("aria-label")
    preset(page, "Isotropic")
    assert "Assumption 2 (iii) fails" not in verdict.inner_text()


def test_sliders_have_names_and_spoken_values(page) -> None:
    preset(page, "Skewed")
    for slider in page.locator("input[type=range]").all():
        assert slider.get_attribute("aria-valuetext")
        assert page.locator(f"label[for={slider.get_attribute('id')}]").count() == 1
    skew = page.get_by_role("slider", name="Skew")
    assert skew.get_attribute("aria-valuetext") == "10 : 1"
    skew.focus()
    page.keyboard.press("ArrowRight")
    settle(page)
    assert skew.get_attribute("aria-valuetext") == "12.6 : 1"


def test_extremes_of_all_sliders_stay_finite(page) -> None:
    sliders = ["skew", "beta1", "beta2", "rho", "size", "eta"]
    for corner in range(2 ** len(sliders)):
        for bit, name in enumerate(sliders):
            end = "max" if corner >> bit & 1 else "min"
            page.evaluate(
                "([id, end]) => { const s = document.getElementById(id);"
                " s.value = s[end]; s.dispatchEvent(new Event('input')); }",
                [f"mfx-{name}", end],
            )
        page.evaluate("() => new Promise(requestAnimationFrame)")
        page.evaluate("() => new Promise(requestAnimationFrame)")
        drawn = page.locator("#explorer").evaluate("e => e.innerHTML")
        assert not any(word in drawn for word in ("NaN", "Infinity")), corner
        if page.get_by_label("Memory").input_value() != "3.1":
            assert abs(number(page, "flow", 1)) < 1, corner


def test_less_motion_hides_the_animation(page) -> None:
    calm = page.context.browser.new_page(reduced_motion="reduce")
    calm.goto(page.url)
    settle(calm)
    assert calm.locator(".mfx-play").is_hidden()
    calm.close()
    assert page.locator(".mfx-play").is_visible()


def test_opened_from_the_disk_it_says_what_it_needs(page, tmp_path) -> None:
    figure = (SOURCE / "figure.html").read_text(encoding="utf-8")
    (tmp_path / "index.html").write_text(PAGE.format(figure), encoding="utf-8")
    shutil.copytree(SOURCE, tmp_path / "explorer")
    other = page.context.browser.new_page()
    other.goto((tmp_path / "index.html").as_uri())
    assert "from a web server" in other.locator(".mfx-waiting").inner_text()
    other.close()
    assert page.locator(".mfx-waiting").count() == 0


def test_play_runs_through_time(page) -> None:
    preset(page, "Skewed")
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(300)
    assert float(page.get_by_label("Time").input_value()) < 3.9
    page.get_by_role("button", name="Pause").click()
    stopped = page.get_by_label("Time").input_value()
    page.wait_for_timeout(200)
    assert page.get_by_label("Time").input_value() == stopped


# Points and choices of one's own ----------------------------------------------------


def test_what_is_typed_as_soon_as_the_text_opens_stays(page) -> None:
    typed = page.evaluate(
        """() => new Promise(done => {
            const text = document.querySelector(".mfx-csv");
            const details = text.closest("details");
            const summary = details.querySelector("summary");
            details.addEventListener("toggle", () => setTimeout(() => {
                done(text.value);
                summary.click();  // closed, as it was
            }), {once: true});
            summary.click();
            text.value = "1, 2, 1";
        })"""
    )
    assert typed == "1, 2, 1"


def test_points_are_added_removed_and_pasted(page) -> None:
    preset(page, "Isotropic")
    points = page.locator(".mfx-point")
    assert points.count() == 8
    page.get_by_role("button", name="Add a square").click()
    page.get_by_role("button", name="Add a circle").click()
    settle(page)
    assert points.count() == 10
    assert "label −1" in points.nth(8).get_attribute("aria-label")
    assert "label +1" in points.nth(9).get_attribute("aria-label")
    points.nth(9).press("Delete")
    points.nth(8).focus()
    page.get_by_role("button", name="Remove one").click()
    settle(page)
    assert points.count() == 8
    page.locator("summary", has_text="Points as text").click()
    page.locator(".mfx-csv").fill("x1,x2,y\n1, 2, 1\n-1; -1; -1\n\n0.5 -2 -1")
    page.get_by_role("button", name="Use these points").click()
    expect(points).to_have_count(3)
    settle(page)
    told = least_distance(np.array([[1, 2], [1, 1], [-0.5, 2]]), np.ones(2))
    assert number(page, "predicted") == pytest.approx(
        math.degrees(math.atan2(told[1], told[0])), abs=0.005
    )
    for text, wrong in {
        "1, 2": "Line 1: “1, 2” must be three numbers",
        "1, 2, 1\n1, 2, 3": "Line 2: the label is 3; it must be 1 or -1",
        "6, 0, 1": "Divide all of them by 2:",
        "": "There is no point",
        "1,2,1\n" * 201: "200 are the most",
    }.items():
        page.locator(".mfx-csv").fill(text)
        page.get_by_role("button", name="Use these points").click()
        assert wrong in page.locator(".mfx-wrong").inner_text()
        assert points.count() == 3
    page.locator("summary", has_text="Points as text").click()
    preset(page, "Isotropic")


def test_the_address_keeps_what_is_chosen(page) -> None:
    preset(page, "Skewed")
    page.get_by_label("Rule", exact=True).select_option("rmsprop")
    page.locator(".mfx-point").nth(4).press("ArrowUp")
    page.get_by_label("Time").fill("2.5")
    settle(page)
    shown = page.locator("tbody").inner_text()
    link = page.url
    assert "rule=rmsprop" in link
    other = page.context.browser.new_page()
    found = watched(other, link.partition("/index")[0])
    other.goto(link)
    settle(other)
    assert other.locator("tbody").inner_text() == shown
    assert other.get_by_role("slider", name="Skew").input_value() == "1"
    for wrong, told in {
        "skew=9": "skew is 9; it lies in [-3, 3]",
        "rule=sgd": "rule is sgd; one of adadelta",
        "rho=": "rho is ; it lies",
        "points=1,2": "Line 1",
        "nothing=1": "nothing called nothing",
    }.items():
        other.goto(f"{link.partition('#')[0]}#{wrong}")
        other.reload()
        settle(other)
        assert told in other.locator(".mfx-caption").inner_text()
    assert found == []
    other.close()
    preset(page, "Isotropic")


def test_each_rule_has_its_words_and_its_theorem(page) -> None:
    ends = {}
    for rule in RULES:
        preset(page, "Skewed")
        page.get_by_label("Rule", exact=True).select_option(rule)
        settle(page)
        ends[rule] = number(page, "flow")
        assert ends[rule] == pytest.approx(number(page, "predicted"), abs=0.1)
        theorem = "Theorem 2" if rule == "adadelta" else "Theorem 4"
        assert f"{theorem} predicts" in page.locator(".mfx-headline").inner_text()
        unused = page.locator(".mfx-controls input:disabled")
        known = {"adadelta": 0, "gradient": 5, "rmsprop": 0, "adam": 2, "adagrad": 1}
        assert unused.count() == known[rule]
    assert abs(ends["gradient"] - number(page, "plain")) < 0.1
    assert ends["rmsprop"] == pytest.approx(ends["adam"], abs=0.1)
    apart = [ends[rule] for rule in ("adadelta", "gradient", "rmsprop", "adagrad")]
    assert min(abs(a - b) for a in apart for b in apart if a != b) > 1
    preset(page, "Isotropic")


# Experiment 1 -----------------------------------------------------------------------


def draws(spec: PerceptronSpec) -> dict:
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    from marginflow_explorer import told

    return told(spec)


TRAIN = """async ([told, mean, K]) => {
  const js = await import('/explorer/perceptron.js');
  const models = js.experiment(told, mean);
  while (models.epoch < K) js.epoch(models);
  const { margins, right } = js.observe(models);
  return { w: [...models.w], margins: [...margins].map(String), right: [...right] };
}"""


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_the_browser_trains_as_the_package_does(page, reduction) -> None:
    spec = PerceptronSpec(rounds=4, epochs=2000, reduction=reduction)
    told = draws(spec)
    run = run_perceptron(spec)
    result = page.evaluate(TRAIN, [told, reduction == "mean", spec.epochs])
    shape = run.w.shape
    w = np.array(result["w"], dtype=float).reshape(shape)  # JSON has null for NaN
    sound = ~run.diverged.numpy()
    assert sound.sum() >= 16
    np.testing.assert_allclose(w[sound], run.w.numpy()[sound], rtol=1e-9)
    margins = np.array(result["margins"], dtype=float).reshape(shape[:2])
    np.testing.assert_allclose(
        margins, run.normalized_margin.numpy(), rtol=1e-9, equal_nan=True
    )
    right = np.array(result["right"]).reshape(shape[:2]) / len(run.y)
    np.testing.assert_allclose(right.mean(1), run.accuracy[-1].numpy(), atol=1e-12)
    # Told the other loss, or another slope, it ends elsewhere.
    for wrong in ([told, reduction != "mean"], [told | {"slope": 0.49}, True]):
        other = page.evaluate(TRAIN, [*wrong, spec.epochs])["w"]
        far = np.abs(np.array(other, dtype=float).reshape(shape) / w - 1)[sound]
        assert np.nanmax(far) > 1e-3


def test_the_browsers_kkt_points_are_the_packages(page) -> None:
    told = draws(PerceptronSpec(rounds=1))
    x, y = np.split(np.array(told["points"]), [2], axis=1)
    both = perceptron_kkt_points(x, y[:, 0])
    call = """async ([points, sign, leak]) =>
      (await import('/explorer/perceptron.js')).kktPoint(points, sign, leak)"""
    for sign, exact in ((1, both.positive), (-1, both.negative)):
        found = page.evaluate(call, [told["points"], sign, 0.5])
        np.testing.assert_allclose(found["w"], exact.w, rtol=1e-12)
        assert found["margin"] == pytest.approx(exact.normalized_margin, rel=1e-12)
        wrong = page.evaluate(call, [told["points"], sign, 0.6])
        assert abs(wrong["margin"] - exact.normalized_margin) > 1e-3


def test_experiment_1_trains_stops_and_goes_on(tmp_path, page) -> None:
    shutil.copytree(SOURCE, tmp_path / "explorer")
    told = draws(PerceptronSpec(rounds=6, epochs=400))
    written = tmp_path / "explorer" / "experiment-1.json"
    figure = (SOURCE / "experiment.html").read_text(encoding="utf-8")
    (tmp_path / "index.html").write_text(TRAINS.format(figure), encoding="utf-8")
    with served(tmp_path) as address:
        other = page.context.browser.new_page()
        other.goto(f"{address}/index.html")
        state = other.locator(".mfx-state")
        state.get_by_text(
            "status 404"
        ).wait_for()  # its file is missing, and it says so
        assert other.get_by_role("button").first.is_disabled()
        written.write_text(json.dumps(told | {"epochs": 10**6}), encoding="utf-8")
        found = watched(other, address)
        other.reload()
        train = other.locator(".mfx-train")
        train.get_by_text("Train 30 models").wait_for()
        assert "before their first step" in state.inner_text()
        train.click()
        other.locator("progress:not([value='0'])").wait_for()
        train.click()  # Stop
        assert "Stopped at epoch" in state.inner_text()
        other.wait_for_timeout(300)
        stopped = other.locator("progress").evaluate("e => e.value")
        other.wait_for_timeout(300)
        assert other.locator("progress").evaluate("e => e.value") == stopped < 1
        written.write_text(json.dumps(told), encoding="utf-8")
        other.reload()
        train.get_by_text("Train 30 models").wait_for()
        train.click()
        train.get_by_text("Train again").wait_for()
        assert "After 400 of 400 epochs" in state.inner_text()
        medians = other.locator("#experiment tbody td:nth-child(2)").all_inner_texts()
        assert [float(m) > 0.3 for m in medians] == [True] * 5
        run = run_perceptron(PerceptronSpec(rounds=6, epochs=400, reduction="mean"))
        rows = other.locator("#experiment tbody td:nth-child(3)").all_inner_texts()
        separate = (run.separated_at <= 400).sum(1).tolist()
        assert rows == [f"{n} of 6" for n in separate]
        other.get_by_label("summed loss").check()
        assert "before their first step" in state.inner_text()
        assert found == []
        other.close()


def test_the_first_page_plays_in_the_box_of_its_still(tmp_path, page) -> None:
    shutil.copytree(SOURCE, tmp_path / "explorer")
    shutil.copy(SOURCE.parent / "first-page.svg", tmp_path)
    text = PAGE.replace("explorer.js", "first.js").format(
        '<article class="bd-article"><figure class="first-picture">'
        '<img src="first-page.svg" alt="still"></figure></article>'
    )
    (tmp_path / "index.html").write_text(text, encoding="utf-8")
    with served(tmp_path) as address:
        other = page.context.browser.new_page(viewport={"width": 390, "height": 800})
        found = watched(other, address)
        other.goto(f"{address}/index.html")
        words, tip = other.get_by_role("status"), other.locator("text.mfx-flow")
        assert words.inner_text().startswith("0.0")  # skewed, and at its end
        assert other.locator("img").count() == 0
        lines = [other.locator(".mfx-predicted").first.get_attribute("d")]
        other.get_by_role("button", name="Equal").click()
        lines.append(other.locator(".mfx-predicted").first.get_attribute("d"))
        assert lines[0] != lines[1]
        assert tip.text_content() == "log t = 10000"
        other.get_by_role("button", name="Play").click()
        other.wait_for_timeout(500)
        other.get_by_role("button", name="Stop").click()
        assert tip.text_content() != "log t = 10000"
        box = other.locator(".mfx-first").bounding_box()
        assert box["width"] / box["height"] == pytest.approx(424 / 282, abs=0.02)
        other.screenshot(path=tmp_path / "first.png")
        assert found == []
        other.close()


@pytest.mark.parametrize(
    ("defect", "told"),
    [
        ('<p id="p" onclick="0">', "Content Security Policy"),
        ("<script>0</script>", "Content Security Policy"),
        ('<p style="color: red">', "Content Security Policy"),
        ('<img alt="" src="http://192.0.2.1/x.png">', "external request"),
        ('<script src="throws.js"></script>', "script error"),
    ],
)
def test_planted_defects_of_a_page_are_caught(tmp_path, page, defect, told) -> None:
    (tmp_path / "throws.js").write_text("throw new Error('planted')", encoding="utf-8")
    page_of = PAGE.replace("explorer/", "none/").format
    text = page_of(defect).replace(
        '<link rel="stylesheet" href="none/explorer.css">', ""
    )
    text = text.replace('<script type="module" src="none/explorer.js"></script>', "")
    (tmp_path / "index.html").write_text(text, encoding="utf-8")
    with served(tmp_path) as address:
        other = page.context.browser.new_page()
        found = watched(other, address)
        other.goto(f"{address}/index.html")
        other.locator("#p").dispatch_event("click") if 'id="p"' in defect else None
        other.wait_for_timeout(100)
        other.close()
    assert any(told in problem for problem in found), found
